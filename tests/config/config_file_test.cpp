#include "config/config_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "config/config_fields.h"
#include "support/temporary_directory.h"
#include "support/usage_error.h"

namespace cocola {
namespace {

using ::cocola::testing::usage_error_of;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

RunConfig parse(const std::string& yaml, const std::vector<std::string>& overrides = {}) {
  return parse_config(yaml, "run.yaml", overrides);
}

std::string refusal_of(const std::string& yaml, const std::vector<std::string>& overrides = {}) {
  return usage_error_of([&] { parse(yaml, overrides); });
}

// Valid, and different from the defaults in every key that has more than one value. Left out:
// ensembles, which no layout with per_source has, validation_masks, which mel has not,
// features_on, which needs stems, and cuda_graph, which holds all groups in memory.
constexpr const char* kEverythingElse = R"(
experiment: other.name-2
data:
  datasets:
    - {layout: moisesdb, root: "a b", name: mine, split: {train: 0.25, valid: 0.5, test: 0.25},
       stems: per_source, lengths: cut, take: [test], into: train}
  on_bad_track: skip
  shards: "null"
  sample_rate_hz: 22050
  window_seconds: 2.5
  window_grid: original
  max_overlap: 0.25
  audible_dbfs: -48.5
  store: [features]
  pairs_per_window: 7
  tracks_per_shard: 3
  seed: 18446744073709551615
features: {kind: mel, fft_size: 2048, taper_samples: 800, hop_samples: 320, mel_bins: 80,
           min_hz: 20, max_hz: 8000.5}
model: {similarity: cosine, similarity_init: identity, temperature: 0.07, embedding_size: 128,
        width: 0.5, depth: 0.4, dropout: 0, drop_connect: 0.125}
training:
  source: features
  pairs_per_step: 96
  pairs_per_group: 12
  groups_in_memory: 2
  epochs: 3
  max_steps: 1000000000000
  max_minutes: 1.5
  learning_rate: 3e-4
  learning_rate_scaling: sqrt
  schedule: cosine
  warmup_steps: 11
  precision: bf16
  seed: 9
  device: cpu
  recompute_statistics: 0
  validate_every_steps: 50
  validation_windows: 64
  log_every_steps: 1
  loss: {directions: both}
  max_skipped_steps: 4
  checkpoint: {every_steps: 20, keep: 1}
  reproducible: same_world
  threads_per_rank: 3
  loader: {num_threads: 2, read_ahead: 5}
  augment: {noise_std: 0, mask_probability: 0.5, mask_views: independent}
  comm: {timeout_seconds: 30}
evaluation: {split: valid, k: [3, 4096], hop: 1, seed: 17}
)";

TEST(ConfigFile, AnEmptyFileGivesTheDefaults) {
  EXPECT_EQ(parse(""), RunConfig());
  EXPECT_EQ(parse("# nothing\n"), RunConfig());
  EXPECT_EQ(parse("training:\n  checkpoint:\nmodel:\n"), RunConfig());
}

TEST(ConfigFile, ValuesReachTheirStructs) {
  const RunConfig config = parse(kEverythingElse);
  EXPECT_EQ(config.experiment, "other.name-2");
  ASSERT_EQ(config.data.datasets.size(), 1u);
  EXPECT_EQ(config.data.datasets[0].layout, Layout::moisesdb);
  EXPECT_EQ(config.data.datasets[0].stems, StemLevel::per_source);
  EXPECT_EQ(config.data.datasets[0].into, IntoSplit::train);
  EXPECT_FALSE(config.data.datasets[0].take_train);
  EXPECT_TRUE(config.data.datasets[0].take_test);
  EXPECT_EQ(config.data.datasets[0].root, "a b");
  EXPECT_EQ(config.data.datasets[0].valid, 0.5);
  EXPECT_EQ(config.data.shards, "null");
  EXPECT_FALSE(config.data.store_stems);
  EXPECT_TRUE(config.data.store_features);
  EXPECT_EQ(config.data.seed, 18446744073709551615u);
  EXPECT_EQ(config.data.window.audible_dbfs, -48.5);
  EXPECT_EQ(config.features.kind, FeatureKind::mel);
  EXPECT_EQ(config.features.sample_rate_hz, 22050);
  EXPECT_EQ(config.model.similarity, SimilarityKind::cosine);
  EXPECT_EQ(config.model.similarity_init, SimilarityInit::identity);
  EXPECT_EQ(config.training.source, SourceKind::features);
  EXPECT_EQ(config.training.learning_rate, 3e-4);
  EXPECT_EQ(config.training.learning_rate_scaling, LearningRateScaling::sqrt);
  EXPECT_EQ(config.training.loss.directions, LossDirections::both);
  EXPECT_EQ(config.training.schedule, LearningRateSchedule::cosine);
  EXPECT_EQ(config.training.precision, Precision::bf16);
  EXPECT_EQ(config.training.device, DeviceChoice::cpu);
  EXPECT_EQ(config.training.checkpoint.keep, 1);
  EXPECT_EQ(config.training.comm.timeout_seconds, 30.0);
  EXPECT_THAT(config.evaluation.k, ElementsAre(3, 4096));
  EXPECT_EQ(config.evaluation.seed, 17u);
  EXPECT_EQ(config.data.window.grid, WindowGrid::original);
  EXPECT_EQ(parse("training: {precision: tf32}").training.precision, Precision::tf32);
  EXPECT_EQ(parse("training: {device: cuda}").training.device, DeviceChoice::cuda);
}

// What kEverythingElse leaves out.
constexpr const char* kTheRest = R"(
data: {datasets: [{layout: cocochorales, root: x, ensembles: [random, string]}]}
training: {validation_masks: as_training, features_on: device, cuda_graph: true}
)";

TEST(ConfigFile, WhatTheOthersExcludeReachesItsStructs) {
  const RunConfig config = parse(kTheRest);
  EXPECT_EQ(config.data.datasets[0].ensembles, (Ensembles{false, true, false, true}));
  EXPECT_EQ(config.training.validation_masks, ValidationMasks::as_training);
  EXPECT_EQ(config.training.features_on, FeaturesOn::device);
  EXPECT_TRUE(config.training.cuda_graph);
  const std::string unknown = "data: {datasets: [{layout: cocochorales, ensembles: [strings]}]}";
  EXPECT_THAT(refusal_of(unknown),
              AllOf(HasSubstr("ensembles"), HasSubstr("'strings' is not one of [brass, string,")));
}

TEST(ConfigFile, WhatIsPrintedIsReadBack) {
  for (const RunConfig& config : {RunConfig(), parse(kEverythingElse), parse(kTheRest)}) {
    for (const bool with_comments : {false, true}) {
      const std::string text = print_config(config, with_comments);
      EXPECT_EQ(parse(text), config) << text;
    }
  }
}

TEST(ConfigFile, EveryKeyIsPrintedWithItsOwnValue) {
  std::istringstream defaults(print_config(parse("data: {datasets: [{root: x}]}"), false));
  std::istringstream others(print_config(parse(kEverythingElse), false));
  std::string ours, theirs;
  while (std::getline(defaults, ours)) {
    ASSERT_TRUE(std::getline(others, theirs));
    const bool has_value = !ours.ends_with(":");
    const bool of_the_rest = ours.find("ensembles:") != std::string::npos ||
                             ours.find("validation_masks:") != std::string::npos ||
                             ours.find("features_on:") != std::string::npos ||
                             ours.find("cuda_graph:") != std::string::npos;
    EXPECT_EQ(ours.substr(0, ours.find(':')), theirs.substr(0, theirs.find(':')));
    if (has_value && !of_the_rest) {
      EXPECT_NE(ours, theirs);
    }
  }
  EXPECT_FALSE(std::getline(others, theirs));
}

TEST(ConfigFile, CommentsTellTheMeaningOfEveryKey) {
  RunConfig config;
  const std::string text = print_config(config, true);
  for (const Field& field : fields_of(config)) EXPECT_THAT(text, HasSubstr(field.doc));
  for (std::istringstream lines(text); std::getline(lines, config.experiment);) {
    EXPECT_LE(config.experiment.size(), 100u) << config.experiment;
  }
}

TEST(ConfigFile, AnyTextSurvivesPrinting) {
  for (const char* text :
       {"a b", "a: b # c", "null", "~",    "-x",  "'",   "\"", "\\", "[x]",
        "{",   "5",        "1e3",  "true", "*a",  "&a",  "!t", "%",  "\xc3\xa4\xe2\x82\xac",
        "..",  " x ",      "a,b",  "---",  "...", ".inf"}) {
    RunConfig config;
    config.data.shards = text;
    config.data.datasets.resize(1);
    config.data.datasets[0].root = text;
    EXPECT_EQ(parse(print_config(config, true)), config) << text;
  }
}

TEST(ConfigFile, AnyNumberSurvivesPrinting) {
  for (const double value : {1e-9, 0.1, 2.0 / 3.0, 5e-324, 1.0, 0.30000000000000004}) {
    RunConfig config;
    config.training.learning_rate = value;
    EXPECT_EQ(parse(print_config(config, false)).training.learning_rate, value);
  }
}

TEST(ConfigFile, AnUnknownKeyIsNamedWithItsLineAndTheNearestKey) {
  struct Case {
    const char* yaml;
    const char* error;
  };
  const Case cases[] = {
      {"training:\n  epochs: 3\n  pairs_per_stp: 5\n",
       "[config] run.yaml:3: training.pairs_per_stp is not a known key; did you mean "
       "training.pairs_per_step?"},
      {"experimnt: x\n", "run.yaml:1: experimnt is not a known key; did you mean experiment?"},
      {"\ntrainig:\n  epochs: 3\n",
       "run.yaml:2: trainig is not a known key; did you mean training?"},
      {"model: {epochs: 3}\n", "model.epochs is not a known key; did you mean training.epochs?"},
      {"features: {sample_rate_hz: 8000}\n", "did you mean data.sample_rate_hz?"},
      {"training: {checkpoint: {every: 3}}\n",
       "training.checkpoint.every is not a known key; known here: "
       "training.checkpoint.every_steps, training.checkpoint.keep"},
      {"evaluation: {something: 3}\n",
       "known here: evaluation.hop, evaluation.k, evaluation.seed, evaluation.split"},
      {"data:\n  datasets:\n    - layout: folder\n      rot: x\n",
       "run.yaml:4: data.datasets.0.rot is not a known key; did you mean data.datasets.0.root?"},
      {"data:\n  datasets:\n    - {layout: folder, root: x}\n    - {layout: folder, root: x,\n"
       "       split: {train: 1, vaild: 0}}\n",
       "run.yaml:5: data.datasets.1.split.vaild is not a known key; did you mean "
       "data.datasets.1.split.valid?"},
      {"<<: {experiment: x}\n", "<< is not a known key"},
  };
  for (const Case& wrong : cases) EXPECT_THAT(refusal_of(wrong.yaml), HasSubstr(wrong.error));
}

TEST(ConfigFile, AWrongTypeIsNamedWithItsLine) {
  struct Case {
    const char* yaml;
    const char* problem;
  };
  const Case cases[] = {
      {"\ntraining: {epochs: many}", "run.yaml:2: training.epochs: 'many' is not a whole number"},
      {"training: {cuda_graph: yes}", "training.cuda_graph: 'yes' is neither true nor false"},
      {"training: {epochs: 1.5}", "'1.5' is not a whole number"},
      {"training: {epochs: \"5\"}", "'5' is not a whole number"},
      {"training: {epochs: 0x10}", "'0x10' is not a whole number"},
      {"training: {epochs: 9223372036854775808}", "is not a whole number of 64 bits"},
      {"training: {epochs: [5]}", "a list is not a whole number"},
      {"training: {epochs: {a: 5}}", "a mapping is not a whole number"},
      {"training: {epochs: }", "training.epochs has no value"},
      {"training: {seed: -1}", "'-1' is not a whole number in [0, 2^64)"},
      {"training: {learning_rate: fast}", "'fast' is not a finite number"},
      {"training: {learning_rate: .nan}", "'.nan' is not a finite number"},
      {"training: {learning_rate: nan}", "'nan' is not a finite number"},
      {"data: {audible_dbfs: -.inf}", "'-.inf' is not a finite number"},
      {"data: {audible_dbfs: -inf}", "'-inf' is not a finite number"},
      {"training: {learning_rate: 1e999}", "'1e999' is not a finite number"},
      {"training: {precision: fp16}", "'fp16' is not one of [fp32, tf32, bf16]"},
      {"training: {precision: [bf16]}", "a list is not one of"},
      {"training: 5", "training is a section with keys of its own, not '5'"},
      {"data: [a]", "data is a section with keys of its own, not a list"},
      {"data: {store: stems}", "data.store: 'stems' is not a list"},
      {"data: {store: [mixes]}", "'mixes' is not one of [stems, features]"},
      {"data: {datasets: {layout: folder}}", "data.datasets: a mapping is not a list"},
      {"data:\n  datasets:\n    - folder",
       "run.yaml:3: data.datasets.0: 'folder' is not a mapping"},
      {"evaluation: {k: 2}", "evaluation.k: '2' is not a list"},
      {"evaluation: {k: [2, x]}", "'x' is not a whole number"},
      {"experiment: [a]", "experiment: a list is not text"},
      {"data: {shards: \"a\\0b\"}", "data.shards: holds a control character"},
      {"- a\n- b\n", "run.yaml: a list is not a mapping"},
      {"just words\n", "'just words' is not a mapping"},
  };
  for (const Case& wrong : cases) EXPECT_THAT(refusal_of(wrong.yaml), HasSubstr(wrong.problem));
}

TEST(ConfigFile, AWrongValueIsExplainedByTheKeysMeaning) {
  EXPECT_THAT(refusal_of("training: {reproducible: always}"),
              AllOf(HasSubstr("'always' is not one of [fast, same_world, invariant]"),
                    HasSubstr("to the bit on any")));
}

TEST(ConfigFile, AValueOutOfRangeIsNamedWithItsLine) {
  EXPECT_THAT(refusal_of("experiment: x\ntraining:\n  epochs: 0\n"),
              StartsWith("[config] run.yaml:3: training.epochs: 0 is outside [1, 1000000]"));
  EXPECT_THAT(refusal_of("", {"training.epochs=0"}),
              StartsWith("[config] --set training.epochs=0: training.epochs: 0 is outside"));
  EXPECT_THAT(refusal_of("training: {pairs_per_step: 48}"),
              StartsWith("[config] run.yaml:1: training.pairs_per_group: 32 does not divide"));
}

TEST(ConfigFile, AFileThatCannotBeReadIsAUsageError) {
  const testing::TemporaryDirectory directory;
  EXPECT_THAT(usage_error_of([&] { load_config(directory / "absent.yaml", {}); }),
              HasSubstr("absent.yaml"));
  EXPECT_THAT(usage_error_of([&] { load_config(directory.path(), {}); }),
              HasSubstr("not a regular file"));
  std::ofstream(directory / "large.yaml") << std::string((1 << 20) + 1, ' ');
  EXPECT_THAT(usage_error_of([&] { load_config(directory / "large.yaml", {}); }),
              HasSubstr("1048577 bytes"));
}

TEST(ConfigFile, AFileIsReadAndNamedByItsPath) {
  const testing::TemporaryDirectory directory;
  std::ofstream(directory / "good.yaml") << "experiment: from_file\n";
  EXPECT_EQ(load_config(directory / "good.yaml", {}).experiment, "from_file");
  std::ofstream(directory / "bad.yaml") << "\nexperimental: x\n";
  EXPECT_THAT(usage_error_of([&] { load_config(directory / "bad.yaml", {}); }),
              HasSubstr((directory / "bad.yaml").string() + ":2: "));
}

TEST(ConfigOverride, ComesAfterTheFileAndInOrder) {
  const RunConfig config = parse("training: {epochs: 3, seed: 4}",
                                 {"training.epochs=5", "training.epochs=6", "experiment=named"});
  EXPECT_EQ(config.training.epochs, 6);
  EXPECT_EQ(config.training.seed, 4u);
  EXPECT_EQ(config.experiment, "named");
}

TEST(ConfigOverride, TakesListsAndReplacesThem) {
  EXPECT_THAT(parse("", {"evaluation.k=[2,8]"}).evaluation.k, ElementsAre(2, 8));
  const RunConfig config = parse("data: {store: [stems]}", {"data.store=[stems, features]"});
  EXPECT_TRUE(config.data.store_stems && config.data.store_features);
  const RunConfig other = parse(kEverythingElse, {"data.datasets=[{layout: folder, root: a=b}]"});
  ASSERT_EQ(other.data.datasets.size(), 1u);
  EXPECT_EQ(other.data.datasets[0].root, "a=b");
}

TEST(ConfigOverride, IsNamedWhenWrong) {
  EXPECT_THAT(refusal_of("", {"training.epoch=5"}),
              AllOf(HasSubstr("--set training.epoch=5: "), HasSubstr("mean training.epochs?")));
  EXPECT_THAT(refusal_of("", {"training.epochs=x"}), HasSubstr("'x' is not a whole number"));
  EXPECT_THAT(refusal_of("", {"training.epochs="}), HasSubstr("has no value"));
  EXPECT_THAT(refusal_of("", {"training.epochs"}), HasSubstr("write --set key.path=value"));
  EXPECT_THAT(refusal_of("", {"=5"}), HasSubstr("write --set key.path=value"));
  EXPECT_THAT(refusal_of("", {"training=5"}), HasSubstr("is a section"));
  EXPECT_THAT(refusal_of("", {"evaluation.k=[2"}), HasSubstr("not valid YAML"));
  EXPECT_THAT(refusal_of("", {"data.datasets.0.root=x"}), HasSubstr("not a known key"));
}

}  // namespace
}  // namespace cocola
