#include "eval/card.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>

#include "base/json.h"
#include "eval/calibrate.h"
#include "eval/small_model.h"
#include "eval/small_songs.h"
#include "support/temporary_directory.h"

namespace cocola {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

// All numbers of tables, in order.
std::vector<std::string> numbers_in(const std::string& text, const std::string& cell) {
  std::vector<std::string> numbers;
  const std::regex pattern(cell);
  for (std::sregex_iterator i(text.begin(), text.end(), pattern), end; i != end; ++i) {
    numbers.push_back((*i)[1]);
  }
  return numbers;
}

class Card : public ::testing::Test {
 protected:
  Card() {
    testing::write_songs(directory_.path(), {"one", "two", "three"});
    testing::write_small_model(path());
    config_.data.window.window_seconds = 0.5;
    config_.data.shards = directory_.path().string();
    config_.evaluation.k = {2, 4};
  }
  std::string path() const { return (directory_ / "m.safetensors").string(); }

  const testing::TemporaryDirectory directory_;
  RunConfig config_;
};

TEST_F(Card, EveryFormHasTheSameNumbers) {
  const MeasuredModel measured = open_measured_model(config_, path());
  const Document card = card_of(measure_card(measured, config_, 4));
  std::vector<std::string> cells;
  for (const DocumentSection& section : card.sections) {
    for (const DocumentTable& table : section.tables) {
      for (const auto& row : table.rows) {
        ASSERT_EQ(row.size(), table.columns.size()) << table.name;
        cells.insert(cells.end(), row.begin(), row.end());
      }
    }
  }
  const std::regex is_number("-?[0-9]+(\\.[0-9]+)?");
  std::erase_if(cells, [&](const std::string& cell) { return !std::regex_match(cell, is_number); });
  EXPECT_GT(cells.size(), 200u);
  EXPECT_EQ(numbers_in(to_markdown(card), "\\| (-?[0-9]+(?:\\.[0-9]+)?) (?=\\|)"), cells);
  EXPECT_EQ(numbers_in(to_html(card), "<td[^>]*>(-?[0-9]+(?:\\.[0-9]+)?)</td>"), cells);
  std::vector<double> of_json, of_cells;
  for (const std::string& cell : cells) of_cells.push_back(std::stod(cell));
  const OrderedJson json = to_json(card);
  for (const auto& section : json["sections"]) {
    for (const auto& table : section["tables"]) {
      for (const auto& row : table) {
        for (const auto& cell : row) {
          if (cell.is_number()) of_json.push_back(cell.get<double>());
        }
      }
    }
  }
  EXPECT_EQ(of_json, of_cells);
}

TEST_F(Card, SaysWhichCalibrationItShows) {
  const MeasuredModel measured = open_measured_model(config_, path());
  const CardFacts before = measure_card(measured, config_, 4);
  EXPECT_FALSE(before.is_calibration_stored);
  EXPECT_THAT(to_markdown(card_of(before)), HasSubstr("does not hold this calibration"));
  store_calibration(path(), before.calibration);
  const MeasuredModel calibrated = open_measured_model(config_, path());
  const CardFacts after = measure_card(calibrated, config_, 4);
  EXPECT_TRUE(after.is_calibration_stored);
  EXPECT_EQ(after.calibration, before.calibration);
  config_.evaluation.seed = 5;
  EXPECT_FALSE(measure_card(calibrated, config_, 4).is_calibration_stored);
}

TEST_F(Card, LimitsFollowFromTheFacts) {
  const MeasuredModel measured = open_measured_model(config_, path());
  CardFacts facts = measure_card(measured, config_, 4);
  EXPECT_THAT(known_limits(facts), Contains(HasSubstr("16 kHz mono in windows of 0.5 s")));
  EXPECT_THAT(known_limits(facts), Contains(HasSubstr("Measured on 3 songs")));
  facts.accuracy.trained.rows[0].accuracy.value = 0.5;
  facts.accuracy.onsets.rows[0].accuracy.value = 0.625;
  EXPECT_THAT(
      known_limits(facts),
      Contains(HasSubstr("At K = 2 the correlation of onsets reads 62.5 %, the model 50.0 %")));
  facts.accuracy.onsets.rows[0].accuracy.value = 0.4;
  EXPECT_THAT(known_limits(facts), Not(Contains(HasSubstr("At K = 2 the correlation of onsets"))));
  for (DamageResponse& damage : facts.response->modes[0].damages) damage.falls = true;
  EXPECT_THAT(known_limits(facts), Not(Contains(HasSubstr("The both score does not fall"))));
  facts.response->modes[0].damages[3].falls = false;
  EXPECT_THAT(known_limits(facts), Contains("The both score does not fall under: detune."));
}

}  // namespace
}  // namespace cocola
