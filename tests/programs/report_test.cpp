// cocola_eval compare and report as a user runs them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "programs/program.h"

namespace cocola {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr uint64_t kMostBytes = uint64_t{64} << 20;

// Scores of one system on songs 0, 1, ...
std::string scores_of(const std::vector<double>& scores) {
  OrderedJson pairs = OrderedJson::array();
  for (size_t i = 0; i < scores.size(); ++i) {
    const std::string name = "song " + std::to_string(i);
    pairs.push_back(
        {{"a", "mixes/" + name + ".wav"}, {"b", "made/" + name + ".wav"}, {"both", scores[i]}});
  }
  return OrderedJson{{"scores", pairs}, {"model_digest", "ab"}}.dump();
}

TEST(Compare, OneFileForEachSystemIsComparedAndMadeAPage) {
  const testing::Workplace place;
  write_file_atomically(place / "random.json", scores_of({1.0, 2.0, 3.0, 4.0}));
  write_file_atomically(place / "new.json", scores_of({2.0, 3.5, 4.0, 5.25}));
  const auto run = place.run(
      "cocola_eval", {"compare", "--scores", "new.json", "random.json", "--html", "x.html"});
  ASSERT_EQ(run.status, 0) << run.errors;
  EXPECT_THAT(run.output,
              AllOf(HasSubstr("2 systems on 4 names"), HasSubstr("Rank 1: new"),
                    HasSubstr("Rank 2: random, below new"), HasSubstr("Fewer than 10 names")));
  EXPECT_THAT(read_file(place / "x.html", kMostBytes),
              AllOf(HasSubstr("<h2>Systems</h2>"), HasSubstr("Rank 2: random, below new")));
}

TEST(Compare, BadUsageAndWhatCannotBeComparedEndWithOneLine) {
  const testing::Workplace place;
  write_file_atomically(place / "x.json", scores_of({1.0}));
  write_file_atomically(place / "y.json", "{\"scores\": [{\"a\": \"\xff\", \"b\": \"b\"}]}");
  EXPECT_EQ(place.run("cocola_eval", {"compare"}).status, 2);
  for (const auto& [files, problem] : std::vector<std::pair<std::vector<std::string>, std::string>>{
           {{"x.json"}, "no pair names a system"},
           {{"x.json", "x.json"}, "'song 0' twice"},
           {{"x.json", "y.json"}, "y.json"},
           {{"x.json", "z.json"}, "z.json"}}) {
    std::vector<std::string> arguments = {"compare", "--scores"};
    arguments.insert(arguments.end(), files.begin(), files.end());
    const auto run = place.run("cocola_eval", arguments);
    EXPECT_EQ(run.status, 1);
    EXPECT_THAT(run.errors, HasSubstr(problem));
    EXPECT_EQ(std::count(run.errors.begin(), run.errors.end(), '\n'), 1) << run.errors;
  }
}

TEST(Report, ShowsSpectrogramsOfRecordingsThatCanBeRead) {
  const testing::Workplace place;
  OrderedJson document = OrderedJson::parse(scores_of({1.0, 2.0, 3.0}));
  document["scores"][0]["a"] = testing::two_stems()[0];
  document["scores"][0]["b"] = testing::two_stems()[1];
  write_file_atomically(place / "x.json", document.dump());
  const std::vector<std::string> plain = {"report", "--scores", "x.json", "--html", "x.html"};
  auto with_model = plain;
  with_model.insert(with_model.end(), {"--model", testing::model_path(), "--spectrograms", "2"});

  ASSERT_EQ(place.run("cocola_eval", plain).status, 0);
  EXPECT_THAT(read_file(place / "x.html", kMostBytes), Not(HasSubstr("<img")));
  const auto run = place.run("cocola_eval", with_model);
  ASSERT_EQ(run.status, 0) << run.errors;
  EXPECT_THAT(run.errors, AllOf(HasSubstr("song 1.wav"), Not(HasSubstr("song 2.wav"))));
  EXPECT_THAT(read_file(place / "x.html", kMostBytes),
              AllOf(HasSubstr("Mel spectrogram of B, percussive"),
                    HasSubstr("Pairs with spectrograms: 1; without: 2."),
                    HasSubstr("No spectrograms: [audio_file] mixes/song 1.wav")));
}

TEST(Report, BadUsageAndPlacesThatCannotBeWrittenAreSaid) {
  const testing::Workplace place;
  write_file_atomically(place / "x.json", scores_of({1.0}));
  for (const char* number : {"-1", "many", "1001", ""}) {
    const auto run = place.run("cocola_eval", {"report", "--scores", "x.json", "--html", "x.html",
                                               "--spectrograms", number});
    EXPECT_EQ(run.status, 2) << number;
  }
  const auto run =
      place.run("cocola_eval", {"report", "--scores", "x.json", "--html", "nowhere/x.html"});
  EXPECT_EQ(run.status, 1);
  EXPECT_THAT(run.errors, HasSubstr("nowhere"));
}

}  // namespace
}  // namespace cocola
