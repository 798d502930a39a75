#include "eval/score_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/csv.h"
#include "base/json.h"

namespace cocola {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// A window a second, each scored `both` and half of that; none is silent but the last.
PairScore score_of(const std::vector<double>& both) {
  std::vector<WindowScore> curve;
  for (const double value : both) {
    curve.push_back({.start_seconds = static_cast<double>(curve.size()),
                     .both = value,
                     .harmonic = value / 2.0,
                     .percussive = value / 3.0});
  }
  curve.push_back({.start_seconds = static_cast<double>(curve.size()),
                   .both = {},
                   .harmonic = {},
                   .percussive = {}});
  return summarise_curve(curve);
}

ScoredPair pair_of(const std::string& name, const std::string& system, const PairScore& score,
                   const std::string& problem = "") {
  return {.pair = {.a = "mix.wav", .b = name + ".wav", .name = name, .system = system},
          .score = score,
          .problem = problem};
}

ScoreSet example() {
  ScoreSet set;
  set.model = "m.safetensors";
  set.hop = 0.5;
  set.scores = {pair_of("low, odd", "x", score_of({1.0, 2.0, 0.5, 4.0, 0.1})),
                pair_of("damaged", "x", {}, "damaged.wav: is cut short"),
                pair_of("silent", "y", score_of({})), pair_of("high", "x", score_of({9.0, 8.0}))};
  set.unmatched_a = {"alone.wav"};
  return set;
}

TEST(ScoreSet, TheCurveComesBackFromItsDocument) {
  const std::vector<WindowScore> curve = score_of({0.1, 1.0 / 3.0, -2e-17}).curve;
  const std::vector<WindowScore> back = curve_from_json(Json::parse(curve_to_json(curve).dump()));
  ASSERT_EQ(back.size(), curve.size());
  for (size_t i = 0; i < curve.size(); ++i) {
    EXPECT_EQ(back[i].start_seconds, curve[i].start_seconds);
    EXPECT_EQ(back[i].both, curve[i].both);
    EXPECT_EQ(back[i].harmonic, curve[i].harmonic);
    EXPECT_EQ(back[i].percussive, curve[i].percussive);
  }
}

TEST(ScoreSet, RankingPutsThoseWithoutAScoreLast) {
  ScoreSet set = example();
  set.rank();
  EXPECT_EQ(set.scores[0].pair.name, "high");
  EXPECT_EQ(set.scores[1].pair.name, "low, odd");
  EXPECT_EQ(set.scores[2].pair.name, "damaged");
  EXPECT_EQ(set.scores[3].pair.name, "silent");
}

TEST(ScoreSet, SystemsAreMeansOverTheirPairsWithAScore) {
  const std::vector<SystemScores> systems = example().systems();
  ASSERT_EQ(systems.size(), 2u);
  EXPECT_EQ(systems[0].name, "x");
  EXPECT_EQ(systems[0].num_pairs, 2);
  EXPECT_DOUBLE_EQ(systems[0].both->mean, (7.6 / 5.0 + 8.5) / 2.0);
  EXPECT_EQ(systems[1].num_pairs, 0);
  EXPECT_FALSE(systems[1].both.has_value());
}

TEST(ScoreSet, TheDocumentHoldsScoresReasonsAndCurves) {
  const OrderedJson json = example().to_json(true);
  const OrderedJson& first = json["scores"][0];
  EXPECT_EQ(first["name"], "low, odd");
  EXPECT_DOUBLE_EQ(first["both"].get<double>(), 7.6 / 5.0);
  EXPECT_EQ(first["windows"], 5);
  EXPECT_EQ(first["silent_windows"], 1);
  EXPECT_EQ(first["reason"], nullptr);
  EXPECT_EQ(first["curve"]["both"], OrderedJson({1.0, 2.0, 0.5, 4.0, 0.1, nullptr}));
  EXPECT_EQ(json["scores"][1]["reason"], "damaged.wav: is cut short");
  EXPECT_EQ(json["scores"][1]["both"], nullptr);
  EXPECT_EQ(json["scores"][2]["reason"], "no window is audible in both files");
  EXPECT_EQ(json["unmatched"]["a"], OrderedJson({"alone.wav"}));
  EXPECT_EQ(json["systems"][1]["mean"]["both"], nullptr);
  EXPECT_FALSE(example().to_json(false)["scores"][0].contains("curve"));
}

// Scores of 0 to 4 for true pairs and -4 to 0 for mismatched ones, in the mode of both channels.
Calibration calibration_around_zero() {
  Calibration calibration;
  calibration.both.true_pairs = {.quantiles = {0.0, 4.0}, .count = 100};
  calibration.both.mismatched = {.quantiles = {-4.0, 0.0}, .count = 100};
  return calibration;
}

TEST(ScoreSet, AScoreIsPlacedAmongThoseOfTheModelsReferenceSet) {
  ScoreSet set = example();
  set.scores.resize(2);
  set.scores[0].score = score_of({1.0});
  EXPECT_EQ(set.to_json(false)["scores"][0]["percentile"], nullptr);

  set.calibration = calibration_around_zero();
  const OrderedJson rows = set.to_json(false)["scores"];
  EXPECT_EQ(rows[0]["percentile"]["both"],
            OrderedJson({{"true_pairs", 25.0}, {"mismatched", 100.0}}));
  EXPECT_EQ(rows[0]["percentile"]["harmonic"], nullptr);
  EXPECT_EQ(rows[1]["percentile"]["both"], nullptr);
  const CsvTable table(set.to_csv(), "scores.csv");
  EXPECT_EQ(table.number(0, table.column("true_pairs_percentile")), 25.0);
  EXPECT_EQ(table.number(0, table.column("mismatched_percentile")), 100.0);
  EXPECT_EQ(table.text(1, table.column("mismatched_percentile")), "");
  EXPECT_THAT(set.to_text(false, false), ::testing::ContainsRegex("low, odd.* 100.0 %\n"));
  set.scores.resize(1);
  EXPECT_THAT(set.to_text(false, false),
              HasSubstr("above 25.0 % of true pairs, 100.0 % of mismatched ones"));
}

TEST(ScoreSet, TheTableForPeopleNamesSystemsWhereThereAreAny) {
  ScoreSet set = example();
  EXPECT_THAT(set.to_text(false, false), ::testing::ContainsRegex("\nsilent +y +-"));
  EXPECT_THAT(set.to_text(true, false), ::testing::ContainsRegex("rank +pair +system +both"));
  for (ScoredPair& scored : set.scores) scored.pair.system.clear();
  EXPECT_THAT(set.to_text(false, false), Not(HasSubstr("system")));
}

TEST(ScoreSet, TheTableHoldsWhatTheDocumentHolds) {
  const ScoreSet set = example();
  const CsvTable table(set.to_csv(), "scores.csv");
  ASSERT_EQ(table.num_rows(), 4u);
  EXPECT_EQ(table.text(0, table.column("name")), "low, odd");
  EXPECT_EQ(table.number(0, table.column("both")), set.scores[0].score.both->mean);
  EXPECT_EQ(table.number(3, table.column("spread_harmonic")), set.scores[3].score.harmonic->spread);
  EXPECT_EQ(table.text(1, table.column("both")), "");
  EXPECT_EQ(table.text(1, table.column("reason")), "damaged.wav: is cut short");
  EXPECT_EQ(table.number(2, table.column("silent_windows")), 1.0);
}

TEST(ScoreSet, LabelsAreColumnsOfTheTable) {
  ScoreSet set = example();
  for (ScoredPair& scored : set.scores) {
    scored.pair.labels = {{"song", "of " + scored.pair.name}, {"stem", "drums"}};
  }
  const CsvTable table(set.to_csv(), "scores.csv");
  EXPECT_EQ(table.text(0, table.column("song")), "of low, odd");
  EXPECT_EQ(table.text(3, table.column("stem")), "drums");
}

TEST(ScoreSet, TheTextMarksTheThreeWorstWindows) {
  ScoreSet set = example();
  set.scores.resize(1);
  const std::string text = set.to_text(false, true);
  EXPECT_THAT(text, ::testing::ContainsRegex("0:04.0 +0.1000.*worst 1\n"));
  EXPECT_THAT(text, ::testing::ContainsRegex("0:02.0 +0.5000.*worst 2\n"));
  EXPECT_THAT(text, ::testing::ContainsRegex("0:00.0 +1.0000.*worst 3\n"));
  EXPECT_THAT(text, ::testing::ContainsRegex("0:05.0 .*silent\n"));
  EXPECT_THAT(text, Not(HasSubstr("worst 4")));
  EXPECT_THAT(set.to_text(false, false), Not(HasSubstr("worst")));
}

TEST(ScoreSet, TheTextNumbersRankedPairsThatHaveAScore) {
  ScoreSet set = example();
  set.rank();
  const std::string text = set.to_text(true, false);
  EXPECT_THAT(text, AllOf(HasSubstr("\n   1  high"), HasSubstr("\n   2  low, odd"),
                          HasSubstr("\n   -  damaged"), HasSubstr("none: damaged.wav")));
}

}  // namespace
}  // namespace cocola
