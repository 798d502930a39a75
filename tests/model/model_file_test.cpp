#include "model/model_file.h"

#include <ATen/Context.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <spawn.h>
#include <sys/wait.h>

#include "base/digest.h"
#include "base/error.h"
#include "model/golden_weights.h"
#include "model/safetensors.h"
#include "support/temporary_directory.h"

namespace cocola {
namespace {

using ::testing::HasSubstr;

ModelCard some_card() {
  ModelCard card;
  card.model.width = 0.1;
  card.model.depth = 0.4;
  card.model.embedding_size = 16;
  card.model.temperature = 0.1;
  card.feature_kind = "hps";
  card.feature_description = "hps-v1 rate=16000";
  card.feature_fingerprint = "0123456789abcdef";
  card.feature_settings = R"({"kind":"hps"})";
  card.window_seconds = 2.5;
  card.masked_db = -80.0;
  card.step = 1234;
  card.valid_accuracy = 0.1 + 0.2;
  card.valid_candidates = 32;
  card.config_yaml = "experiment: \"x\"\n";
  card.data_digest = "d";
  card.training_tracks = "0123456789ab abcdef012345";
  card.version = "0.1.0";
  return card;
}

std::filesystem::path write_some_model(const testing::TemporaryDirectory& directory,
                                       const CocolaModel& model) {
  write_model_file(directory / "model.safetensors", model, some_card());
  return directory / "model.safetensors";
}

// What reading says after `change` was made to a good file.
template <typename Change>
std::string refusal(Change change) {
  const testing::TemporaryDirectory directory;
  const std::filesystem::path path =
      write_some_model(directory, CocolaModel(some_card().model, 2, 1));
  SafetensorsFile file = read_safetensors(path);
  change(file);
  write_safetensors(path, file);
  try {
    read_model_file(path);
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr(path.string()));
    return error.what();
  }
  return "accepted";
}

TEST(ModelFile, WhatIsWrittenComesBack) {
  const testing::TemporaryDirectory directory;
  const CocolaModel model(some_card().model, 2, 3);
  const std::filesystem::path path = write_some_model(directory, model);
  const LoadedModel loaded = read_model_file(path);
  const ModelCard expected = some_card();
  EXPECT_EQ(loaded.card.model.width, expected.model.width);
  EXPECT_EQ(loaded.card.model.temperature, expected.model.temperature);
  EXPECT_EQ(loaded.card.model.embedding_size, expected.model.embedding_size);
  EXPECT_EQ(loaded.card.feature_description, expected.feature_description);
  EXPECT_EQ(loaded.card.feature_fingerprint, expected.feature_fingerprint);
  EXPECT_EQ(loaded.card.feature_settings, expected.feature_settings);
  EXPECT_EQ(loaded.card.window_seconds, expected.window_seconds);
  EXPECT_EQ(loaded.card.masked_db, expected.masked_db);
  EXPECT_EQ(loaded.card.step, expected.step);
  EXPECT_EQ(loaded.card.valid_accuracy, expected.valid_accuracy);
  EXPECT_EQ(loaded.card.valid_candidates, expected.valid_candidates);
  EXPECT_EQ(loaded.card.config_yaml, expected.config_yaml);
  EXPECT_EQ(loaded.card.training_tracks, expected.training_tracks);
  EXPECT_EQ(loaded.digest, digest_of_file(path));

  const auto& before = model.state().entries();
  const auto& after = loaded.model->state().entries();
  ASSERT_EQ(before.size(), after.size());
  for (size_t i = 0; i < before.size(); ++i) {
    EXPECT_TRUE(at::equal(before[i].tensor, after[i].tensor)) << before[i].name;
  }
}

TEST(ModelFile, TheModelItselfSaysWhatItIs) {
  const testing::TemporaryDirectory directory;
  ModelConfig cosine = some_card().model;
  cosine.similarity = SimilarityKind::cosine;
  const CocolaModel model(cosine, 1, 3);
  const LoadedModel loaded = read_model_file(write_some_model(directory, model));
  EXPECT_EQ(loaded.card.model.similarity, SimilarityKind::cosine);
  EXPECT_EQ(loaded.model->in_channels(), 1);
}

TEST(ModelFile, FilesThatAreNotTheNetworkAreRefusedByTheirFirstDifference) {
  EXPECT_EQ(refusal([](SafetensorsFile&) {}), "accepted");
  EXPECT_THAT(refusal([](SafetensorsFile& f) { f.tensors.erase(f.tensors.end() - 1); }),
              HasSubstr("is missing"));
  EXPECT_THAT(refusal([](SafetensorsFile& f) { f.tensors.emplace_back("more", at::ones({1})); }),
              HasSubstr("'more'"));
  EXPECT_THAT(refusal([](SafetensorsFile& f) { f.tensors.back().second = at::zeros({0}); }),
              HasSubstr(" expects "));
  EXPECT_THAT(refusal([](SafetensorsFile& f) {
                f.tensors.back().second = f.tensors.back().second.to(at::kDouble);
              }),
              HasSubstr("Double"));
  EXPECT_THAT(refusal([](SafetensorsFile& f) {
                f.tensors.back().second.view({-1})[3] = std::numeric_limits<double>::quiet_NaN();
              }),
              HasSubstr("not finite"));
  EXPECT_THAT(refusal([](SafetensorsFile& f) { f.metadata["width"] = "0.5"; }),
              HasSubstr("_conv_stem.weight"));
}

TEST(ModelFile, MetadataMustBeCompleteAndPossible) {
  const auto with = [](const char* key, const char* value) {
    return refusal([&](SafetensorsFile& f) { f.metadata[key] = value; });
  };
  EXPECT_THAT(refusal([](SafetensorsFile& f) { f.metadata.erase("masked_db"); }),
              HasSubstr("'masked_db'"));
  EXPECT_THAT(with("step", "12x"), HasSubstr("'12x'"));
  EXPECT_THAT(with("step", ""), HasSubstr("'step'"));
  EXPECT_THAT(with("window_seconds", "nan"), HasSubstr("'window_seconds'"));
  EXPECT_THAT(with("similarity", "dot"), HasSubstr("'dot'"));
  EXPECT_THAT(with("feature_fingerprint", ""), HasSubstr("'feature_fingerprint'"));
  EXPECT_THAT(with("width", "100"), HasSubstr("model.width"));
  EXPECT_THAT(with("in_channels", "3"), HasSubstr("'in_channels' is 3; allowed range [1, 2]"));
  EXPECT_THAT(with("in_channels", "-1"), HasSubstr("'in_channels'"));
  EXPECT_THAT(with("sample_rate_hz", "0"), HasSubstr("'sample_rate_hz' is 0"));
  EXPECT_THAT(with("window_seconds", "0.49"), HasSubstr("'window_seconds' is 0.49"));
  EXPECT_THAT(with("window_seconds", "1e9"), HasSubstr("allowed range [0.5, 60]"));
  EXPECT_THAT(with("masked_db", "1e39"), HasSubstr("'masked_db' is 1e+39"));
  EXPECT_THAT(with("step", "-1"), HasSubstr("'step' is -1"));
  EXPECT_THAT(with("training_tracks", "a song"), HasSubstr("'training_tracks'"));
  EXPECT_THAT(with("valid_accuracy", "1.5"), HasSubstr("'valid_accuracy' is 1.5"));
  EXPECT_THAT(with("valid_candidates", "-1"), HasSubstr("'valid_candidates' is -1"));
  for (const char* optional : {"training_tracks", "valid_accuracy", "valid_candidates"}) {
    EXPECT_EQ(refusal([&](SafetensorsFile& f) { f.metadata.erase(optional); }), "accepted");
  }
}

// Exit status of a Python program, -1 if there is none.
int run_python(std::vector<std::string> arguments) {
  const char* const chosen = std::getenv("COCOLA_PYTHON_FOR_TESTS");
  arguments.insert(arguments.begin(), chosen != nullptr && *chosen != '\0' ? chosen : "python3");
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  pid_t child = 0;
  if (posix_spawnp(&child, argv[0], nullptr, nullptr, argv.data(), environ) != 0) return -1;
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(ModelFile, PublicLibrariesReadItAndEmbedAlike) {
  if (run_python({"-c", "import efficientnet_pytorch, safetensors.torch"}) != 0) {
    GTEST_SKIP() << "needs a Python with torch, safetensors and efficientnet_pytorch: set "
                    "COCOLA_PYTHON_FOR_TESTS";
  }
  const testing::TemporaryDirectory directory;
  const at::NoGradGuard no_grad;
  ModelCard card = some_card();
  card.model.width = 0.5;
  CocolaModel model(card.model, 2, 3);
  testing::fill_with_golden_weights(model, 1);  // unlike fresh ones, they carry the input through
  write_model_file(directory / "model.safetensors", model, card);
  SafetensorsFile arrays;
  at::manual_seed(1);
  const at::Tensor features = at::rand({3, 2, 64, 101}) * -80.0;
  const at::Tensor embedding = model.embed(features, {});
  EXPECT_GT((embedding[0] - embedding[1]).abs().max().item<double>(), 1e-2);
  arrays.tensors = {{"features", features}, {"embedding", embedding}};
  write_safetensors(directory / "arrays.safetensors", arrays);
  const std::filesystem::path script = COCOLA_TESTS "/model/check_model_file.py";
  EXPECT_EQ(run_python({script.string(), (directory / "model.safetensors").string(),
                        (directory / "arrays.safetensors").string()}),
            0);
}

}  // namespace
}  // namespace cocola
