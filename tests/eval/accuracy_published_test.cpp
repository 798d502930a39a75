#include "eval/accuracy_published.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "config/config_file.h"

namespace cocola {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string model_of(const std::string& config, const std::vector<std::string>& overrides = {}) {
  return published_model_of(load_config(std::string(COCOLA_CONFIGS) + "/" + config, overrides));
}

TEST(Published, EachPublishedConfigurationBelongsToItsRow) {
  EXPECT_EQ(model_of("published_moisesdb.yaml"), "MoisesDB");
  EXPECT_EQ(model_of("published_slakh2100.yaml"), "Slakh2100");
  EXPECT_EQ(model_of("published_cocochorales.yaml"), "CocoChorales");
  EXPECT_EQ(model_of("published_all.yaml"), "All");
  EXPECT_EQ(model_of("published_hps_all.yaml"), "HPS All");
  EXPECT_EQ(model_of("compatible_original.yaml"), "HPS All");
}

TEST(Published, OtherSimilaritiesFeaturesOrDataBelongToNone) {
  EXPECT_EQ(model_of("published_cosine.yaml"), "");
  EXPECT_EQ(model_of("published_moisesdb.yaml", {"features.kind=hps"}), "");
  EXPECT_EQ(model_of("tiny.yaml"), "");
  RunConfig run = load_config(std::string(COCOLA_CONFIGS) + "/published_all.yaml", {});
  for (DatasetConfig& dataset : run.data.datasets) dataset.ensembles = {};
  EXPECT_EQ(published_model_of(run), "") << "all ensembles";
  run = load_config(std::string(COCOLA_CONFIGS) + "/published_all.yaml", {});
  run.data.datasets.back().into = IntoSplit::train;
  EXPECT_EQ(published_model_of(run), "") << "MUSDB18-HQ is trained on";
}

TEST(Published, DataSetsAreKnownByTheNameOfTheirTracks) {
  RunConfig config;
  config.data.datasets.resize(2);
  config.data.datasets[0].layout = Layout::musdb18hq;
  config.data.datasets[0].name = "held_out";
  config.data.datasets[1].layout = Layout::moisesdb;
  EXPECT_EQ(layout_named("held_out", config), Layout::musdb18hq);
  EXPECT_EQ(layout_named("moisesdb", config), Layout::moisesdb);
  EXPECT_EQ(layout_named("musdb18hq", config), std::nullopt);
}

std::optional<double> half_on_musdb(Layout layout, int64_t k) {
  if (layout != Layout::musdb18hq) return std::nullopt;
  return 1.0 / static_cast<double>(k);
}

TEST(Published, OursStandInTheRowsOfTheModelAlone) {
  const std::vector<ComparedRow> rows = compare_with_published("HPS All", half_on_musdb);
  ASSERT_EQ(rows.size(), 8u);
  for (const ComparedRow& row : rows) {
    const bool is_own = std::string(row.published.model) == "HPS All";
    EXPECT_EQ(row.is_ours(), is_own);
    EXPECT_EQ(row.ours[0],
              is_own ? half_on_musdb(Layout::musdb18hq, row.published.k) : std::nullopt);
    EXPECT_EQ(row.ours[1], std::nullopt);
  }
  for (const ComparedRow& row : compare_with_published("", half_on_musdb)) {
    EXPECT_FALSE(row.is_ours());
  }
}

TEST(Published, TheTablesShowTheNumbersOfThePaperAndOursBeneath) {
  const std::string text = published_tables(compare_with_published("HPS All", half_on_musdb));
  EXPECT_THAT(text, HasSubstr("\nTable I of the paper"));
  EXPECT_THAT(text, HasSubstr("\nTable II of the paper"));
  EXPECT_THAT(text,
              HasSubstr("\nHPS All          2       93.87       93.67       94.27         99.68\n"
                        "  this model     2       50.00           -           -             -\n"));
  EXPECT_THAT(text,
              HasSubstr("\nHPS All         64       54.33       34.04       59.35         90.67\n"
                        "  this model    64        1.56"));
  EXPECT_EQ(std::ranges::count(text, '\n'), 2 * 3 + 8 + 4);
  EXPECT_THAT(published_tables(compare_with_published("", half_on_musdb)),
              Not(HasSubstr("this model")));
}

}  // namespace
}  // namespace cocola
