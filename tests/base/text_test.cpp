#include "base/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/digest.h"
#include "base/error.h"
#include "base/log.h"
#include "base/progress.h"

namespace cocola {
namespace {

using ::testing::HasSubstr;

std::string failure_of(const std::string& text) {
  try {
    parse_json_strictly(text, "some.json");
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

TEST(Json, ReadsOrdinaryDocuments) {
  const Json j = parse_json_strictly(R"({"a": [1, {"b": 2}], "c": {"b": 3}})", "x");
  EXPECT_EQ(j["a"][1]["b"], 2);
  EXPECT_EQ(j["c"]["b"], 3);
}

TEST(Json, ADuplicateKeyIsRefusedAtAnyLevel) {
  EXPECT_THAT(failure_of(R"({"a": 1, "a": 2})"), HasSubstr("\"a\" appears twice"));
  EXPECT_THAT(failure_of(R"({"x": [{"k": 1, "k": 1}]})"), HasSubstr("\"k\" appears twice"));
  EXPECT_EQ(failure_of(R"({"a": {"k": 1}, "b": {"k": 1}})"), "");
}

TEST(Json, BrokenTextNamesItsOrigin) {
  EXPECT_THAT(failure_of(R"({"a": )"), HasSubstr("some.json"));
  EXPECT_THAT(failure_of("\xff"), HasSubstr("some.json"));
  EXPECT_THAT(failure_of(""), HasSubstr("some.json"));
}

TEST(Json, DeepNestingIsRefused) {
  EXPECT_THAT(failure_of(std::string(1000, '[') + std::string(1000, ']')),
              HasSubstr("nested deeper"));
}

// Value of `xxh128sum` of an empty input.
TEST(Digest, GivesTheKnownAnswerOfNothing) {
  EXPECT_EQ(digest_of(""), "99aa06d3014798d86001c324468d497f");
}

TEST(Digest, DoesNotDependOnHowTheInputIsCut) {
  const std::string text(100000, 'q');
  Digest digest;
  for (size_t at = 0; at < text.size(); at += 777) {
    digest.update(
        std::as_bytes(std::span(text).subspan(at, std::min<size_t>(777, text.size() - at))));
  }
  EXPECT_EQ(digest.hex(), digest_of(text));
  EXPECT_NE(digest.hex(), digest_of(text + "q"));
}

TEST(Log, ControlCharactersCannotReachTheTerminal) {
  EXPECT_EQ(printable("a\x1b[31mb\nc\rd"), "a?[31mb?c?d");
}

TEST(Log, TheTwoByteControlsOfUtf8CannotEither) {
  EXPECT_EQ(printable("a\xc2\x9b"
                      "31mb\xc2\x80\xc2\x9f"),
            "a?31mb??");
  EXPECT_EQ(printable("\xc2\xa0 caf\xc3\xa9 \xe5\x82\x9b \xc2"),
            "\xc2\xa0 caf\xc3\xa9 \xe5\x82\x9b \xc2");
}

TEST(Progress, DurationsReadAsPeopleSayThem) {
  EXPECT_EQ(format_duration(41.7), "42 s");
  EXPECT_EQ(format_duration(190), "3 min 10 s");
  EXPECT_EQ(format_duration(7500), "2 h 05 min");
}

}  // namespace
}  // namespace cocola
