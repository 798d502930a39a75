// cocola_eval listeners as a user runs it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "programs/program.h"

namespace cocola {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

testing::ProgramResult listeners(const std::string& ratings, const std::string& scores,
                                 const std::vector<std::string>& more = {}) {
  const testing::Workplace place;
  write_file_atomically(place / "r.csv", ratings);
  write_file_atomically(place / "s.csv", scores);
  std::vector<std::string> arguments = {"listeners", "--ratings", "r.csv", "--scores", "s.csv"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return place.run("cocola_eval", arguments);
}

TEST(Listeners, JsonSaysNullAndTextSaysUndefinedForAConstantScore) {
  const std::string ratings = "\xEF\xBB\xBFsong,rating\r\na,1\r\nb,2\r\nc,3\r\nd,5\r\n";
  const std::string scores = "song,score\na,7\nb,7\nc,7\ne,7\n";
  const auto json_run = listeners(ratings, scores, {"--json"});
  ASSERT_EQ(json_run.status, 0) << json_run.errors;
  const Json json = parse_json_strictly(json_run.output, "output");
  EXPECT_EQ(json.at("items"), 3);
  EXPECT_EQ(json.at("unrated"), Json({"e"}));
  EXPECT_EQ(json.at("unscored"), Json({"d"}));
  for (const char* name : {"pearson", "spearman", "kendall"}) {
    const Json& entry = json.at("all").at(name);
    EXPECT_TRUE(entry.at("value").is_null());
    EXPECT_TRUE(entry.at("low").is_null() && entry.at("high").is_null());
    EXPECT_EQ(entry.at("n"), 3);
  }
  EXPECT_TRUE(json.at("system_means").is_null());
  const auto text = listeners(ratings, scores);
  EXPECT_THAT(text.output, AllOf(HasSubstr("undefined"), HasSubstr("intervals over songs"),
                                 HasSubstr("1 items are scored but not rated:\n  e"),
                                 HasSubstr("1 items are rated but not scored:\n  d")));
}

TEST(Listeners, BadUsageAndBadTablesEndWithOneLine) {
  const auto column = listeners("song,rating\na,1\n", "song,both\na,1\n");
  EXPECT_EQ(column.status, 1);
  EXPECT_THAT(column.errors, HasSubstr("s.csv: has no column 'score'; its columns: song, both"));
  EXPECT_EQ(std::count(column.errors.begin(), column.errors.end(), '\n'), 1);
  const auto chosen =
      listeners("song,rating\na,1\n", "song,both\na,1\n", {"--score-column", "both"});
  EXPECT_EQ(chosen.status, 0) << chosen.errors;
  const auto usage = testing::Workplace().run("cocola_eval", {"listeners", "--ratings", "r.csv"});
  EXPECT_EQ(usage.status, 2);
  EXPECT_THAT(usage.errors, HasSubstr("--scores"));
}

}  // namespace
}  // namespace cocola
