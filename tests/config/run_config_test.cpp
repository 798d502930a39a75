#include "config/run_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <limits>

#include "config/config_file.h"
#include "support/usage_error.h"

namespace cocola {
namespace {

using ::cocola::testing::usage_error_of;
using ::testing::AllOf;
using ::testing::HasSubstr;

std::string refusal_of(const std::vector<std::string>& overrides) {
  return usage_error_of([&] { parse_config("", "defaults", overrides); });
}

TEST(RunConfig, EveryRangeIsChecked) {
  const char* const wrong[] = {"data.shards=''",
                               "data.sample_rate_hz=999",
                               "data.sample_rate_hz=96001",
                               "data.window_seconds=0.4",
                               "data.window_seconds=61",
                               "data.max_overlap=-0.1",
                               "data.max_overlap=0.96",
                               "data.audible_dbfs=-121",
                               "data.audible_dbfs=1",
                               "data.store=[]",
                               "data.pairs_per_window=0",
                               "data.pairs_per_window=10001",
                               "data.tracks_per_shard=0",
                               "data.tracks_per_shard=100001",
                               "features.fft_size=62",
                               "features.fft_size=8194",
                               "features.fft_size=1023",
                               "features.taper_samples=0",
                               "features.taper_samples=1025",
                               "features.hop_samples=0",
                               "features.hop_samples=1025",
                               "features.mel_bins=0",
                               "features.mel_bins=31",
                               "features.mel_bins=513",
                               "features.min_hz=-1",
                               "features.min_hz=7900",
                               "features.max_hz=8001",
                               "model.temperature=0",
                               "model.temperature=101",
                               "model.embedding_size=0",
                               "model.embedding_size=8193",
                               "model.width=0.05",
                               "model.width=5",
                               "model.depth=0.05",
                               "model.depth=5",
                               "model.dropout=1",
                               "model.dropout=-0.1",
                               "model.drop_connect=1",
                               "training.pairs_per_step=1",
                               "training.pairs_per_group=0",
                               "training.epochs=0",
                               "training.max_steps=-1",
                               "training.max_minutes=-1",
                               "training.learning_rate=0",
                               "training.learning_rate=2",
                               "training.warmup_steps=-1",
                               "training.recompute_statistics=-1",
                               "training.validate_every_steps=-1",
                               "training.validation_windows=1",
                               "training.validation_windows=32769",
                               "training.log_every_steps=0",
                               "training.max_skipped_steps=-1",
                               "training.checkpoint.every_steps=0",
                               "training.checkpoint.keep=0",
                               "training.loader.num_threads=-1",
                               "training.loader.num_threads=257",
                               "training.loader.read_ahead=0",
                               "training.loader.read_ahead=65",
                               "training.augment.noise_std=-1",
                               "training.augment.noise_std=2",
                               "training.augment.mask_probability=1.5",
                               "training.augment.mask_probability=-1",
                               "training.comm.timeout_seconds=0",
                               "training.comm.timeout_seconds=86401",
                               "evaluation.split=fold",
                               "evaluation.k=[]",
                               "evaluation.k=[1]",
                               "evaluation.k=[65537]",
                               "evaluation.k=[2,2]",
                               "evaluation.hop=0",
                               "evaluation.hop=0.009",
                               "evaluation.hop=1.1"};
  for (const std::string text : wrong) {
    const std::string key = text.substr(0, text.find('='));
    EXPECT_THAT(refusal_of({text}), HasSubstr("--set " + text + ": " + key));
  }
}

TEST(RunConfig, AWindowHasAsManyFramesAsTheNetworkNeeds) {
  const std::vector<std::string> enough = {"data.window_seconds=0.5", "features.hop_samples=258"};
  EXPECT_NO_THROW(parse_config("", "defaults", enough));
  EXPECT_THAT(refusal_of({"data.window_seconds=0.5", "features.hop_samples=259"}),
              AllOf(HasSubstr("features.hop_samples"), HasSubstr("31 frames"),
                    HasSubstr("data.window_seconds")));
}

TEST(RunConfig, TheExperimentIsASafeDirectoryName) {
  for (const char* name : {"a", "All_hps-2.1", "0"}) {
    RunConfig config;
    config.experiment = name;
    EXPECT_NO_THROW(config.validate()) << name;
  }
  for (const std::string name : {"", ".", "..", ".hidden", "a/b", "a b", "-x", "\xc3\xa4", "a\n"}) {
    RunConfig config;
    config.experiment = name;
    EXPECT_THAT(usage_error_of([&] { config.validate(); }), HasSubstr("[experiment]")) << name;
  }
  RunConfig config;
  config.experiment = std::string(101, 'x');
  EXPECT_THROW(config.validate(), UsageError);
}

TEST(RunConfig, DatasetsAreChecked) {
  const auto shared_out = [](const char* root, double train, double valid, double test) {
    DatasetConfig dataset;
    dataset.root = root;
    dataset.train = train;
    dataset.valid = valid;
    dataset.test = test;
    return dataset;
  };
  const auto refusal = [&](const DatasetConfig& dataset) {
    RunConfig config;
    config.data.datasets = {shared_out("good", 1.0, 0.0, 0.0), dataset};
    return usage_error_of([&] { config.validate(); });
  };
  EXPECT_THAT(refusal(shared_out("", 0.8, 0.1, 0.1)), HasSubstr("[data.datasets.1.root]"));
  EXPECT_THAT(refusal(shared_out("x", 0.8, 0.1, 0.2)), HasSubstr("they must sum to 1"));
  EXPECT_THAT(refusal(shared_out("x", 1.2, -0.2, 0.0)), HasSubstr("1.2 is outside [0, 1]"));
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THAT(refusal(shared_out("x", 1.0, nan, 0.0)), HasSubstr("[data.datasets.1.split.valid]"));
  DatasetConfig dataset = shared_out("x", 1.0, 0.0, 0.0);
  dataset.layout = Layout::slakh2100;
  dataset.stems = StemLevel::per_source;
  EXPECT_THAT(refusal(dataset),
              AllOf(HasSubstr("[data.datasets.1.stems] per_source"), HasSubstr("slakh2100")));
  dataset = shared_out("x", 1.0, 0.0, 0.0);
  dataset.name = "a/b";
  EXPECT_THAT(refusal(dataset), HasSubstr("[data.datasets.1.name] 'a/b'"));
  dataset.name = "";
  dataset.take_train = dataset.take_valid = dataset.take_test = false;
  EXPECT_THAT(refusal(dataset), HasSubstr("[data.datasets.1.take]"));
  dataset = shared_out("x", 1.0, 0.0, 0.0);
  dataset.ensembles.brass = false;
  EXPECT_THAT(refusal(dataset), AllOf(HasSubstr("[data.datasets.1.ensembles]"),
                                      HasSubstr("folder has no ensembles")));
  dataset.layout = Layout::cocochorales;
  EXPECT_NO_THROW(dataset.validate("data.datasets.1"));
  dataset.ensembles = {false, false, false, false};
  EXPECT_THAT(refusal(dataset), HasSubstr("[data.datasets.1.ensembles] is empty"));
}

TEST(RunConfig, OnlyFeaturesOfTwoChannelsCanBeMasked) {
  EXPECT_THAT(refusal_of({"training.validation_masks=as_training", "features.kind=mel"}),
              AllOf(HasSubstr("training.validation_masks: as_training"), HasSubstr("set none")));
  EXPECT_NO_THROW(parse_config("", "d", {"training.validation_masks=as_training"}));
  EXPECT_THAT(refusal_of({"training.validation_masks=some"}), HasSubstr("[none, as_training]"));
  EXPECT_THAT(refusal_of({"data.window_grid=shifted"}), HasSubstr("[hop, original]"));
}

TEST(RunConfig, TheSourceOfTrainingMustBeStored) {
  EXPECT_THAT(refusal_of({"data.store=[features]"}), HasSubstr("add stems to data.store"));
  EXPECT_THAT(refusal_of({"training.source=features", "training.augment.noise_std=0"}),
              HasSubstr("add features to data.store"));
  EXPECT_NO_THROW(parse_config(
      "", "defaults",
      {"training.source=features", "training.augment.noise_std=0", "data.store=[features]"}));
}

TEST(RunConfig, NoiseOnPrecomputedFeaturesIsRefusedWithTheWayOut) {
  EXPECT_THAT(refusal_of({"training.source=features", "data.store=[stems, features]"}),
              AllOf(HasSubstr("defaults: training.augment.noise_std: 0.001"),
                    HasSubstr("set training.augment.noise_std: 0")));
}

TEST(RunConfig, AWindowHoldsAtLeastOneTransform) {
  EXPECT_THAT(refusal_of({"data.window_seconds=0.5", "features.fft_size=8192"}),
              HasSubstr("0.5 s are 8000 samples, fewer than features.fft_size 8192"));
}

TEST(RunConfig, MelBandsStayBelowHalfTheDatasRate) {
  EXPECT_THAT(refusal_of({"data.sample_rate_hz=8000"}),
              HasSubstr("features.max_hz: 7800 is outside"));
  EXPECT_NO_THROW(parse_config("", "d", {"data.sample_rate_hz=8000", "features.max_hz=4000"}));
}

TEST(RunConfig, FeaturesAreMadeAtTheRateOfTheData) {
  RunConfig config;
  config.data.sample_rate_hz = 32000;
  EXPECT_THAT(usage_error_of([&] { config.validate(); }), HasSubstr("[data.sample_rate_hz] 32000"));
}

TEST(ShippedConfigs, EachIsValidPrintableAndTrainsAlone) {
  int num_files = 0;
  for (const auto& file : std::filesystem::directory_iterator(COCOLA_CONFIGS)) {
    ++num_files;
    SCOPED_TRACE(file.path());
    EXPECT_EQ(file.path().extension(), ".yaml");
    const RunConfig config = load_config(file.path(), {});
    EXPECT_EQ(parse_config(print_config(config, true), "printed", {}), config);
    EXPECT_FALSE(config.data.datasets.empty());
    EXPECT_NO_THROW(config.training.validate_world(1));
  }
  EXPECT_GE(num_files, 5);
}

TEST(ShippedConfigs, TinyAndAllShareTheirStepAmongUpToEightRanks) {
  for (const char* name : {"tiny.yaml", "all.yaml", "mel.yaml", "my_stems.yaml"}) {
    const RunConfig config = load_config(std::filesystem::path(COCOLA_CONFIGS) / name, {});
    for (const int64_t world_size : {1, 2, 4, 8}) {
      EXPECT_NO_THROW(config.training.validate_world(world_size)) << name;
    }
  }
}

// The row "HPS All" with every old behaviour that docs/parity.md has a setting for.
TEST(ShippedConfigs, CompatibleOriginalSetsEveryOldBehaviourThatCanBeSet) {
  const std::filesystem::path configs = COCOLA_CONFIGS;
  RunConfig config = load_config(configs / "compatible_original.yaml", {});
  const RunConfig row = load_config(configs / "published_hps_all.yaml", {});
  EXPECT_EQ(config.features, row.features);
  EXPECT_EQ(config.model, row.model);
  EXPECT_EQ(config.training.validation_masks, ValidationMasks::as_training);
  config.training.validation_masks = ValidationMasks::none;
  EXPECT_EQ(config.training, row.training);
  EXPECT_EQ(config.training.recompute_statistics, 0);
  EXPECT_EQ(config.training.augment.noise_std, 0.0);
  EXPECT_EQ(config.training.source, SourceKind::features);
  EXPECT_EQ(config.data.pairs_per_window, 1);
  EXPECT_EQ(config.data.window.grid, WindowGrid::original);
  EXPECT_GE(config.data.window.max_overlap, 0.819);
  EXPECT_EQ(config.data.window.audible_dbfs, -120.0);
  for (const DatasetConfig& dataset : config.data.datasets) {
    if (dataset.layout == Layout::musdb18hq) {
      EXPECT_FALSE(dataset.take_test);
      continue;
    }
    EXPECT_EQ(dataset.lengths, LengthRule::cut);
    EXPECT_EQ(dataset.stems == StemLevel::per_source, dataset.layout == Layout::moisesdb);
  }
}

// The recipe of the paper, and MUSDB18-HQ nowhere but in the test split.
TEST(ShippedConfigs, RowsOfThePublishedTablesTrainAsPublished) {
  int num_rows = 0;
  for (const auto& file : std::filesystem::directory_iterator(COCOLA_CONFIGS)) {
    if (!file.path().filename().string().starts_with("published_")) continue;
    ++num_rows;
    SCOPED_TRACE(file.path());
    const RunConfig config = load_config(file.path(), {});
    EXPECT_EQ(config.experiment, file.path().stem());
    EXPECT_EQ(config.training.pairs_per_step, 32);
    EXPECT_EQ(config.training.pairs_per_group, 32);
    EXPECT_EQ(config.training.learning_rate, 1e-3);
    EXPECT_EQ(config.training.schedule, LearningRateSchedule::constant);
    EXPECT_EQ(config.window_samples(), 80000);
    EXPECT_EQ(config.model.width, 1.0);
    EXPECT_EQ(config.model.depth, 1.0);
    int num_held_out = 0;
    for (const DatasetConfig& dataset : config.data.datasets) {
      if (dataset.layout == Layout::musdb18hq && dataset.into == IntoSplit::test) ++num_held_out;
    }
    EXPECT_EQ(num_held_out, 1);
  }
  EXPECT_EQ(num_rows, 6);
}

}  // namespace
}  // namespace cocola
