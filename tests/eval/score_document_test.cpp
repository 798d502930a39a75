#include "eval/score_document.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/json.h"
#include "support/temporary_directory.h"

namespace cocola {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::TemporaryDirectory;
using ::testing::ThrowsMessage;

std::filesystem::path write(const std::filesystem::path& path, const OrderedJson& document) {
  write_file_atomically(path, document.dump());
  return path;
}

OrderedJson pair_of(const std::string& b) { return {{"a", "mix.wav"}, {"b", b}, {"both", 1.5}}; }

OrderedJson document_of(const OrderedJson& pair) { return {{"scores", {pair}}}; }

TEST(ScoreDocument, PairsAreNamedByTheirFileBWhereTheyHaveNoName) {
  OrderedJson pair = pair_of("made/by x/song 1.wav");
  EXPECT_EQ(name_of_pair(pair), "song 1");
  pair["name"] = "first";
  EXPECT_EQ(name_of_pair(pair), "first");
}

TEST(ScoreDocument, FilesNameTheSystemsOfPairsThatNameNone) {
  const TemporaryDirectory folder;
  OrderedJson named = document_of(pair_of("1.wav"));
  named["scores"][0]["system"] = "z";
  const OrderedJson all = read_score_documents(
      {write(folder / "x.json", document_of(pair_of("1.wav"))), write(folder / "y.json", named)});
  EXPECT_THAT(systems_of(all), ElementsAre("x", "z"));
  EXPECT_THAT(systems_of(read_score_documents({folder / "x.json"})), ElementsAre());
}

TEST(ScoreDocument, ScoresOfDifferentModelsAreNotJoined) {
  const TemporaryDirectory folder;
  for (const char* key : {"model_digest", "hop", "window_seconds"}) {
    OrderedJson x = document_of(pair_of("1.wav")), y = x;
    x[key] = key == std::string("model_digest") ? OrderedJson("ab") : OrderedJson(0.5);
    y[key] = key == std::string("model_digest") ? OrderedJson("cd") : OrderedJson(0.25);
    const auto paths = {write(folder / "x.json", x), write(folder / "y.json", y)};
    EXPECT_THAT([&] { read_score_documents(paths); },
                ThrowsMessage<Error>(AllOf(HasSubstr(key), HasSubstr("cannot be compared"))));
  }
}

TEST(ScoreDocument, WhatIsNoDocumentOfScoresIsRefusedByPlace) {
  const TemporaryDirectory folder;
  const auto refuses = [&](const OrderedJson& document, const std::string& place) {
    const auto path = write(folder / "x.json", document);
    EXPECT_THAT([&] { read_score_document(path); },
                ThrowsMessage<Error>(AllOf(HasSubstr("x.json"), HasSubstr(place))));
  };
  const auto with = [](const char* key, const OrderedJson& value) {
    OrderedJson document = document_of(pair_of("1.wav"));
    document["scores"][0][key] = value;
    return document;
  };
  refuses(OrderedJson::array(), "/ is []");
  refuses({{"scores", nullptr}}, "/scores is null");
  refuses({{"scores", OrderedJson::array()}}, "/scores is []");
  refuses(document_of(7), "/scores/0 is 7");
  refuses(document_of({{"a", "x"}}), "/scores/0/b is null");
  refuses(with("both", "high"), "/scores/0/both is \"high\"");
  refuses(with("system", 3), "/scores/0/system is 3");
  refuses(with("windows", -1), "/scores/0/windows is -1");
  refuses(with("spread", 1.0), "/scores/0/spread is 1.0");
  refuses(with("percentile", {{"both", 2}}), "/scores/0/percentile/both is 2");
  refuses(with("curve", OrderedJson::object()), "/scores/0/curve/start_seconds is null");
  refuses(with("curve", {{"start_seconds", {0.0, 1.0}}, {"both", {1.0}}}),
          "/scores/0/curve/both is [1.0]");
  refuses(with("curve", {{"start_seconds", {nullptr}}, {"both", {1.0}}}),
          "/scores/0/curve/start_seconds is [null]");
}

}  // namespace
}  // namespace cocola
