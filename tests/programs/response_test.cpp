// cocola_eval response as a user runs it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "programs/program.h"

namespace cocola {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

testing::ProgramResult respond(const std::vector<std::string>& more) {
  const testing::Workplace place;
  std::vector<std::string> arguments = {"response", "--config", testing::kTiny, "--model",
                                        testing::model_path()};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return place.run("cocola_eval", arguments);
}

TEST(Response, EveryModeAndDamageHasScoresByStrengthAndASummary) {
  const auto result = respond({"--windows", "8", "--json"});
  ASSERT_EQ(result.status, 0) << result.errors;
  const Json json = parse_json_strictly(result.output, "output");
  EXPECT_EQ(json.at("split"), "test");
  EXPECT_EQ(json.at("windows"), 8);
  for (const char* mode : {"both", "harmonic", "percussive"}) {
    for (const char* damage :
         {"time_shift", "time_stretch", "pitch_shift", "detune", "wrong_song", "level"}) {
      const Json& response = json.at("modes").at(mode).at(damage);
      ASSERT_EQ(response.at("rows").size(), 5u) << mode << damage;
      EXPECT_EQ(response.at("rows")[0].at("strength"), 0.0);
      EXPECT_LE(response.at("rows")[4].at("score").at("low"),
                response.at("rows")[4].at("score").at("high"));
      EXPECT_TRUE(response.at("falls").is_boolean());
      EXPECT_TRUE(response.contains("trend"));
    }
  }
}

TEST(Response, TheTableSaysWhetherTheScoreFallsAndBadCountsAreBadUsage) {
  const auto table = respond({"--windows", "4"});
  ASSERT_EQ(table.status, 0) << table.errors;
  EXPECT_THAT(table.output, AllOf(HasSubstr("Does the harmonic score fall"), HasSubstr("50 cents"),
                                  HasSubstr("Fewer than 10 songs")));
  for (const char* bad : {"1", "x", "4.5", "-3", "99999999"}) {
    const auto refused = respond({"--windows", bad});
    EXPECT_EQ(refused.status, 2) << bad;
    EXPECT_THAT(refused.errors, HasSubstr("--windows"));
  }
}

}  // namespace
}  // namespace cocola
