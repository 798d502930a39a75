#include "eval/inspect_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "eval/small_model.h"
#include "model/cocola_model.h"
#include "model/safetensors.h"
#include "shards/example_shard.h"
#include "support/temporary_directory.h"
#include "training/checkpoint.h"

namespace cocola {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::TemporaryDirectory;

void write_set(const fs::path& directory) {
  const testing::ExampleShard shard;
  write_manifest(directory, {.settings = shard.settings,
                             .config_yaml = "experiment: x\n",
                             .version = "0.1.0",
                             .shards = {shard.write(directory / "train-00000.h5")}});
}

void flip_at(const fs::path& path, double share) {
  testing::flip(path, static_cast<size_t>(share * static_cast<double>(fs::file_size(path))));
}

TEST(Inspect, AModelIsNamedWithItsTensorsAndMetadata) {
  const TemporaryDirectory directory;
  const InspectReport report = inspect(testing::write_small_model(directory / "model.safetensors"));
  EXPECT_EQ(report.kind, "model");
  EXPECT_EQ(report.problem, "");
  const OrderedJson json = report.to_json();
  EXPECT_EQ(json["intact"], true);
  EXPECT_EQ(json["problem"], nullptr);
  EXPECT_EQ(json["digest"], "right");
  EXPECT_EQ(json["metadata"]["step"], "77");
  EXPECT_GT(json["tensors"].size(), 10u);
  EXPECT_EQ(json["tensors"][0]["digest"].get<std::string>().size(), 32u);
  EXPECT_THAT(report.to_text(), AllOf(HasSubstr("model.safetensors: model, intact\n"),
                                      HasSubstr("\n      training:\n        epochs: 3\n")));
}

TEST(Inspect, ACheckpointIsToldFromAModel) {
  const TemporaryDirectory directory;
  ModelConfig config;
  config.width = config.depth = 0.1;
  config.embedding_size = 4;
  CocolaModel model(config, 2, 1);
  FlatParameters flat(model.state());
  Adam adam(flat.values());
  write_checkpoint(directory.path(), flat, adam, {12, 3.5, "fingerprint"}, 3);
  const InspectReport report = inspect(directory / "step_00000012.safetensors");
  EXPECT_EQ(report.kind, "checkpoint");
  EXPECT_TRUE(report.is_intact()) << report.problem;
  EXPECT_EQ(report.to_json()["metadata"]["step"], "12");
}

TEST(Inspect, AForeignSafetensorsFileIsReadWithoutADigest) {
  const TemporaryDirectory directory;
  const std::string header = R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})";
  std::ofstream file(directory / "foreign.safetensors", std::ios::binary);
  file << static_cast<char>(header.size()) << std::string(7, '\0') << header << "xy";
  file.close();
  const InspectReport report = inspect(directory / "foreign.safetensors");
  EXPECT_EQ(report.kind, "safetensors");
  EXPECT_TRUE(report.is_intact()) << report.problem;
  EXPECT_EQ(report.to_json()["digest"], "none");
  EXPECT_EQ(report.to_json()["values"], 2);
}

TEST(Inspect, AModelOfAnotherShapeThanItsSettingsIsNotIntact) {
  const TemporaryDirectory directory;
  const fs::path path = testing::write_small_model(directory / "model.safetensors");
  SafetensorsFile file = read_safetensors(path);
  file.tensors.pop_back();
  write_safetensors(path, file);
  const InspectReport report = inspect(path);
  EXPECT_EQ(report.kind, "model");
  EXPECT_THAT(report.problem, HasSubstr("is missing"));
}

TEST(Inspect, AShardAndItsSetAreCounted) {
  const TemporaryDirectory directory;
  write_set(directory.path());
  const InspectReport set = inspect(directory.path());
  EXPECT_EQ(set.kind, "shard set");
  EXPECT_TRUE(set.is_intact()) << set.problem;
  EXPECT_EQ(inspect(directory / kManifestName).to_json()["shards"], set.to_json()["shards"]);
  const InspectReport shard = inspect(directory / "train-00000.h5");
  EXPECT_EQ(shard.kind, "shard");
  EXPECT_TRUE(shard.is_intact()) << shard.problem;
  EXPECT_EQ(shard.to_json()["tracks"], 2);
  EXPECT_EQ(shard.to_json()["stems"], 5);
  EXPECT_EQ(shard.to_json()["windows"], 3);
  EXPECT_DOUBLE_EQ(shard.to_json()["seconds"], 0.37);
}

TEST(Inspect, AShardListsItsTracks) {
  const TemporaryDirectory directory;
  write_set(directory.path());
  const InspectReport report = inspect(directory / "train-00000.h5");
  const OrderedJson tracks = report.to_json()["track_list"];
  ASSERT_EQ(tracks.size(), 2u);
  EXPECT_EQ(tracks[0],
            (OrderedJson{
                {"name", "one"}, {"seconds", 0.15}, {"windows", 1}, {"stems", {"bass", "drums"}}}));
  EXPECT_EQ(tracks[1]["name"], "zw\xc3\xb6lf");
  EXPECT_EQ(tracks[1]["windows"], 2);
  EXPECT_THAT(report.to_text(), HasSubstr("    one  0.15  1  [\"bass\",\"drums\"]"));
}

TEST(Inspect, SplitsWithoutWindowsAreVerifiedToo) {
  const TemporaryDirectory directory;
  testing::ExampleShard shard;
  ManifestEntry with_windows = shard.write(directory / "train-00000.h5");
  shard.split = "test";
  shard.windows.clear();
  const Manifest manifest{.settings = shard.settings,
                          .config_yaml = "experiment: x\n",
                          .version = "0.1.0",
                          .shards = {with_windows, shard.write(directory / "test-00000.h5")}};
  write_manifest(directory.path(), manifest);
  EXPECT_EQ(inspect(directory.path()).problem, "");
  flip_at(directory / "test-00000.h5", 0.5);
  EXPECT_THAT(inspect(directory.path()).problem, HasSubstr("test-00000.h5"));
  fs::remove(directory / "test-00000.h5");
  EXPECT_THAT(inspect(directory.path()).problem, HasSubstr("test-00000.h5"));
}

TEST(Inspect, AConfigIsReadAndResolved) {
  const InspectReport report = inspect(fs::path(COCOLA_CONFIGS) / "tiny.yaml");
  EXPECT_EQ(report.kind, "config");
  EXPECT_TRUE(report.is_intact()) << report.problem;
  EXPECT_EQ(report.to_json()["experiment"], "tiny");
  const TemporaryDirectory directory;
  std::ofstream(directory / "bad.yaml") << "experimant: x\n";
  EXPECT_THAT(inspect(directory / "bad.yaml").problem, HasSubstr("did you mean experiment?"));
}

TEST(Inspect, AFlippedByteIsFoundAnywhere) {
  const TemporaryDirectory directory;
  for (const double share : {0.02, 0.3, 0.6, 0.95}) {
    const fs::path model = testing::write_small_model(directory / "model.safetensors");
    flip_at(model, share);
    EXPECT_FALSE(inspect(model).is_intact()) << share;
    EXPECT_THAT(inspect(model).to_text(), HasSubstr("not intact: "));
    write_set(directory.path());
    flip_at(directory / "train-00000.h5", share);
    EXPECT_FALSE(inspect(directory.path()).is_intact()) << share;
  }
}

TEST(Inspect, WhatIsNotOursIsUnknown) {
  const TemporaryDirectory directory;
  std::ofstream(directory / "notes.txt") << "hello";
  for (const fs::path& path :
       {directory / "notes.txt", directory / "absent", fs::path("/dev/null")}) {
    const InspectReport report = inspect(path);
    EXPECT_EQ(report.kind, "unknown");
    EXPECT_FALSE(report.is_intact());
  }
  EXPECT_THAT(inspect(directory.path()).problem, HasSubstr(kManifestName));
}

TEST(Inspect, NamesCannotDriveTheTerminal) {
  const TemporaryDirectory directory;
  EXPECT_EQ(inspect(directory / "a\x1b[31m").to_text().find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace cocola
