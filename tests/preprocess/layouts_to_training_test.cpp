// Each layout from its files on disk through cocola_preprocess to the first steps of cocola_ddp.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "preprocess/miniature.h"
#include "shards/shard_set.h"
#include "support/python.h"

namespace cocola {
namespace {

using ::testing::ElementsAre;
using testing::kQuartet;
using testing::Miniature;
using testing::ProgramResult;
using ::testing::UnorderedElementsAre;
namespace fs = std::filesystem;

// Windows of 2 s every 1 s, a network as narrow as it gets, and one rank.
constexpr const char* kSettings = R"(
experiment: mini
data:
  datasets:
    - {@}
  shards: shards/mini
  window_seconds: 2
model: {similarity_init: identity, embedding_size: 16, width: 0.1, depth: 0.1}
training:
  pairs_per_step: 2
  pairs_per_group: 2
  max_steps: 2
  recompute_statistics: 1
  log_every_steps: 1
)";

class LayoutsToTraining : public ::testing::Test {
 protected:
  // Runs both programs on the data set that the YAML text describes.
  void train_on(const std::string& dataset, const std::vector<std::string>& overrides = {}) {
    std::string settings = kSettings;
    settings.replace(settings.find('@'), 1, dataset);
    data_.text("mini.yaml", settings);
    for (const char* program : {"cocola_preprocess", "cocola_ddp"}) {
      // Threads that spin while they wait would take most of the time beside other tests.
      std::vector<std::string> command = {"env",
                                          "-C",
                                          (data_ / "").string(),
                                          "OMP_WAIT_POLICY=passive",
                                          std::string(COCOLA_BIN) + "/" + program,
                                          "--config",
                                          "mini.yaml"};
      for (const std::string& override : overrides) {
        command.insert(command.end(), {"--set", override});
      }
      const ProgramResult result = testing::run_process(command);
      ASSERT_EQ(result.status, 0) << program << ": " << result.errors;
    }
    std::ifstream log(data_ / "runs/mini/log.jsonl");
    int64_t num_steps = 0;
    for (std::string line; std::getline(log, line);)
      num_steps += Json::parse(line)["kind"] == "train";
    EXPECT_EQ(num_steps, 2);
    EXPECT_TRUE(fs::exists(data_ / "runs/mini/model.safetensors"));
  }

  // "train-00000.h5 <track>: <stem> <stem>", for all shards.
  std::vector<std::string> tracks_in_shards() const {
    std::vector<std::string> lines;
    for (const auto& entry : fs::directory_iterator(data_ / "shards/mini")) {
      if (entry.path().extension() != ".h5") continue;
      const ShardReader shard(entry.path());
      for (const ShardTrack& track : shard.tracks()) {
        std::string line = entry.path().filename().string() + " " + track.name + ":";
        for (const std::string& stem : track.stem_names) line += " " + stem;
        lines.push_back(line);
      }
    }
    return lines;
  }

  Miniature data_;
};

TEST_F(LayoutsToTraining, Folder) {
  for (const char* track : {"data/one, \"live\"", "data/two.x"}) {
    for (const char* stem : {"a.wav", "b.flac", "mixture.wav"}) {
      data_.sound(std::string(track) + "/" + stem, 4);
    }
  }
  train_on("layout: folder, root: data, split: {train: 1, valid: 0, test: 0}");
  EXPECT_THAT(tracks_in_shards(), UnorderedElementsAre("train-00000.h5 one, \"live\": a b",
                                                       "train-00000.h5 two.x: a b"));
}

// 3 s at 44.1 kHz in windows of 2 s: the second pass begins at 32000 / 2 samples of the file, and
// silence fills both passes' last window.
TEST_F(LayoutsToTraining, FolderOnTheOriginalGrid) {
  for (const char* stem : {"a.wav", "b.wav"}) data_.sound(std::string("data/one/") + stem, 3);
  train_on("layout: folder, root: data, split: {train: 1, valid: 0, test: 0}",
           {"data.window_grid=original", "data.max_overlap=0.82", "data.store=[stems, features]"});
  const ShardReader shard(data_ / "shards/mini/train-00000.h5");
  EXPECT_EQ(shard.settings().window_grid, "original");
  std::vector<int64_t> starts;
  for (const ShardWindow& window : shard.windows()) starts.push_back(window.start_sample);
  EXPECT_THAT(starts, ElementsAre(0, 5805, 32000, 37805));
  ASSERT_EQ(shard.tracks()[0].num_samples, 37805 + 32000);
  std::vector<int16_t> last(32000);
  shard.read_stem(3, 1, last);
  EXPECT_NE(last[0], 0);
  EXPECT_THAT(std::vector(last.begin() + (48000 - 37805), last.end()), ::testing::Each(0));
}

TEST_F(LayoutsToTraining, Musdb18Hq) {
  data_.musdb_track("data/train/A Classic Education - NightOwl", 4);
  data_.musdb_track("data/train/Actions - One Minute Smile", 4);
  data_.musdb_track("data/test/AM Contra - Heart Peripheral", 3);
  train_on("layout: musdb18hq, root: data");
  EXPECT_THAT(
      tracks_in_shards(),
      UnorderedElementsAre(
          "train-00000.h5 musdb18hq/A Classic Education - NightOwl: bass drums other vocals",
          "valid-00000.h5 musdb18hq/Actions - One Minute Smile: bass drums other vocals",
          "test-00000.h5 musdb18hq/AM Contra - Heart Peripheral: bass drums other vocals"));
}

TEST_F(LayoutsToTraining, MoisesDb) {
  data_.moisesdb_track("data/moisesdb_v0.1/0a", {{"drums", {"1", "2"}}, {"bass", {"3"}}}, 4);
  data_.sound("data/moisesdb_v0.1/0a/drums/2.wav", 3, 44100, 2);
  data_.moisesdb_track("data/moisesdb_v0.1/0b", {{"drums", {"1"}}, {"bass", {"3"}}}, 4);
  train_on("layout: moisesdb, root: data, stems: per_stem, into: train");
  EXPECT_THAT(tracks_in_shards(), UnorderedElementsAre("train-00000.h5 moisesdb/0a: bass drums",
                                                       "train-00000.h5 moisesdb/0b: bass drums"));
}

TEST_F(LayoutsToTraining, MoisesDbPerSource) {
  data_.moisesdb_track("data/train/0a", {{"drums", {"1", "2"}}, {"bass", {"3"}}}, 4);
  train_on("layout: moisesdb, root: data, stems: per_source");
  EXPECT_THAT(tracks_in_shards(),
              ElementsAre("train-00000.h5 moisesdb/0a: bass/3 drums/1 drums/2"));
}

TEST_F(LayoutsToTraining, Slakh2100) {
  data_.slakh_track("data/train/Track00001", {"S00", "S02"}, "\xffUUID: x\n", 4);
  data_.text("data/train/Track00001/stems/._S00.flac", "Mac OS X");
  data_.slakh_track("data/validation/Track01501", {"S00", "S01"}, "", 4);
  data_.slakh_track("data/omitted/Track00002", {"S00", "S01"}, "", 4);
  train_on("layout: slakh2100, root: data");
  EXPECT_THAT(tracks_in_shards(),
              UnorderedElementsAre("train-00000.h5 slakh2100/Track00001: S00 S02",
                                   "valid-00000.h5 slakh2100/Track01501: S00 S01"));
}

TEST_F(LayoutsToTraining, CocoChorales) {
  data_.cocochorales_track("data/train/string_track001353", kQuartet, 4);
  data_.sound("data/train/string_track001353/stems_audio/3_viola.wav", 3, 16000);
  data_.cocochorales_track("data/test/string_track216001", kQuartet, 4);
  train_on("layout: cocochorales, root: data, name: coco");
  EXPECT_THAT(tracks_in_shards(),
              UnorderedElementsAre(
                  "train-00000.h5 coco/string_track001353: 1_violin 2_violin 3_viola 4_cello",
                  "test-00000.h5 coco/string_track216001: 1_violin 2_violin 3_viola 4_cello"));
}

}  // namespace
}  // namespace cocola
