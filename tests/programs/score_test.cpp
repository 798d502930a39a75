// cocola_score on many pairs, alone and as ranks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "base/csv.h"
#include "base/json.h"
#include "programs/program.h"

namespace cocola {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::num_errors;
using testing::ProgramResult;
using testing::Workplace;
namespace fs = std::filesystem;

// Folders a and b with a stem each of three songs, and the table of these pairs.
class Scores : public ::testing::Test {
 protected:
  Scores() {
    for (const char* side : {"a", "b"}) fs::create_directory(place_ / side);
    std::ofstream table(place_ / "pairs.csv");
    table << "a,b,system,name\n";
    int song = 0;
    for (const auto& stems : testing::stems_of_songs(3)) {
      const std::string name = "song" + std::to_string(++song) + stems[0].extension().string();
      fs::create_symlink(stems[0], place_ / ("a/" + name));
      fs::create_symlink(stems[1], place_ / ("b/" + name));
      table << "a/" << name << ",b/" << name << "," << (song < 3 ? "x" : "y") << ",\n";
      files_.push_back(name);
    }
  }

  static std::vector<std::string> with_model(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"--model", testing::model_path()});
    return arguments;
  }
  ProgramResult score(const std::vector<std::string>& arguments) const {
    return place_.run("cocola_score", with_model(arguments));
  }
  ProgramResult score_on(int ranks, const std::vector<std::string>& arguments) const {
    return place_.run_ranks(ranks, "cocola_score", with_model(arguments));
  }

  const Workplace place_;
  std::vector<std::string> files_;
};

Json document(const ProgramResult& result) {
  EXPECT_EQ(result.status, 0) << result.errors;
  return Json::parse(result.output);
}

void expect_same_scores(const Json& found, const Json& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i]["windows"], expected[i]["windows"]);
    const double tolerance = 1e-5 * (std::abs(expected[i]["both"].get<double>()) +
                                     expected[i]["spread"]["both"].get<double>());
    for (const char* mode : {"both", "harmonic", "percussive"}) {
      EXPECT_NEAR(found[i][mode].get<double>(), expected[i][mode].get<double>(), tolerance) << mode;
    }
  }
}

TEST_F(Scores, AreTheSameAloneFromFoldersFromATableAndOnAnyNumberOfRanks) {
  Json alone = Json::array();
  for (const std::string& file : files_) {
    alone.push_back(document(score({"--json", "a/" + file, "b/" + file}))["scores"][0]);
  }
  const Json folders = document(score({"--json", "a", "b"}));
  EXPECT_EQ(folders["scores"][2]["name"], "song3");
  expect_same_scores(folders["scores"], alone);
  const Json table = document(score({"--json", "--pairs", "pairs.csv"}));
  expect_same_scores(table["scores"], alone);
  EXPECT_EQ(table["systems"][0]["n"], 2);
  EXPECT_EQ(table["systems"][1]["mean"]["both"], table["scores"][2]["both"]);
  const ProgramResult ranks = score_on(4, {"--json", "--pairs", "pairs.csv", "--csv", "out.csv"});
  expect_same_scores(document(ranks)["scores"], alone);
  EXPECT_EQ(read_csv(place_ / "out.csv").num_rows(), 3u);
}

TEST_F(Scores, CandidatesAreRankedBestFirst) {
  const Json scores =
      document(score({"--json", "--curve", "--candidates", "a/" + files_[0], "b"}))["scores"];
  ASSERT_EQ(scores.size(), 3u);
  for (size_t i = 0; i < scores.size(); ++i) {
    EXPECT_EQ(scores[i]["a"], "a/" + files_[0]);
    EXPECT_EQ(scores[i]["curve"]["both"].size(), scores[i]["curve"]["start_seconds"].size());
  }
  for (size_t i = 1; i < scores.size(); ++i) {
    EXPECT_GE(scores[i - 1]["both"].get<double>(), scores[i]["both"].get<double>());
  }
  const ProgramResult text = score({"--candidates", "a/" + files_[0], "b"});
  EXPECT_THAT(text.output, HasSubstr("\n   1  " + scores[0]["name"].get<std::string>()));
}

TEST_F(Scores, FilesWithoutPartnerAreNamed) {
  fs::remove(place_ / ("a/" + files_[1]));
  const ProgramResult result = score({"--json", "a", "b"});
  const Json json = document(result);
  EXPECT_EQ(json["scores"].size(), 2u);
  EXPECT_EQ(json["unmatched"]["b"], Json({"b/" + files_[1]}));
  EXPECT_THAT(result.errors, HasSubstr("b/" + files_[1]));
}

TEST_F(Scores, TheHopIsChosenOnTheCommandLine) {
  const auto windows = [&](const std::string& hop) {
    const Json json = document(score({"--json", "--hop", hop, "a/" + files_[0], "b/" + files_[0]}));
    EXPECT_EQ(json["hop"], std::stod(hop));
    const Json& row = json["scores"][0];
    return row["windows"].get<int>() + row["silent_windows"].get<int>();
  };
  EXPECT_GT(windows("0.25"), windows("1.0"));
  for (const char* hop : {"0", "0.5s", "nan"}) {
    EXPECT_EQ(score({"--hop", hop, "a", "b"}).status, 2) << hop;
  }
}

TEST_F(Scores, ADamagedFileCostsItsPairAloneAndIsToldByTheStatus) {
  const fs::path damaged = place_ / ("b/" + files_[0]);
  const std::string whole = read_file(damaged, 1 << 26);
  fs::remove(damaged);
  std::ofstream(damaged, std::ios::binary) << whole.substr(0, whole.size() / 2);
  for (const int ranks : {1, 2}) {
    const ProgramResult result =
        score_on(ranks, {"--json", "--pairs", "pairs.csv", "--csv", "out.csv"});
    EXPECT_EQ(result.status, 1);
    EXPECT_THAT(result.errors, HasSubstr("1 of 3 pairs"));
    const Json scores = Json::parse(result.output)["scores"];
    EXPECT_THAT(scores[0]["reason"].get<std::string>(), HasSubstr("b/" + files_[0]));
    EXPECT_EQ(scores[0]["both"], nullptr);
    EXPECT_NE(scores[1]["both"], nullptr);
    EXPECT_EQ(read_csv(place_ / "out.csv").num_rows(), 3u);
  }
  const ProgramResult only = score({"a/" + files_[0], "b/" + files_[0]});
  EXPECT_EQ(only.status, 1);
  EXPECT_EQ(only.output, "");
  EXPECT_EQ(num_errors(only.errors), 1) << only.errors;
}

TEST_F(Scores, AMissingFileEndsAllRanksWithOneMessageAndNothingWritten) {
  fs::remove(place_ / ("b/" + files_[2]));
  for (const int ranks : {1, 4}) {
    const ProgramResult result = score_on(ranks, {"--pairs", "pairs.csv", "--csv", "out.csv"});
    EXPECT_NE(result.status, 0);
    EXPECT_EQ(result.output, "");
    EXPECT_EQ(num_errors(result.errors), 1) << result.errors;
    EXPECT_THAT(result.errors, AllOf(HasSubstr("pair song3"), HasSubstr("b/" + files_[2])));
    EXPECT_FALSE(fs::exists(place_ / "out.csv"));
  }
}

TEST_F(Scores, WrongRequestsAreRefused) {
  std::ofstream(place_ / "wrong.csv") << "mix,b\nx,y\n";
  fs::create_directory(place_ / "empty");
  const struct {
    std::vector<std::string> arguments;
    int status;
    std::string names;
  } cases[] = {{{"--pairs", "wrong.csv"}, 1, "wrong.csv"},
               {{"--pairs", "absent.csv"}, 1, "absent.csv"},
               {{"a", "empty"}, 1, "empty"},
               {{"a", "b/" + files_[0]}, 2, "is a folder"},
               {{"--pairs", "pairs.csv", "a", "b"}, 2, "--pairs"},
               {{"--candidates", "a/" + files_[0]}, 2, "candidate"},
               {{"a", "b", "--csv", "absent/out.csv"}, 1, "absent"}};
  for (const auto& [arguments, status, names] : cases) {
    const ProgramResult result = score(arguments);
    EXPECT_EQ(result.status, status) << result.errors;
    EXPECT_EQ(result.output, "");
    EXPECT_EQ(num_errors(result.errors), 1) << result.errors;
    EXPECT_THAT(result.errors, HasSubstr(names));
  }
}

}  // namespace
}  // namespace cocola
