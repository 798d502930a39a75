#include "shards/shard_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <fstream>

#include "base/digest.h"
#include "base/error.h"
#include "base/json.h"
#include "shards/example_shard.h"
#include "support/temporary_directory.h"

namespace cocola {
namespace {

using ::testing::AllOf;
using testing::content_of;
using testing::error_of;
using testing::ExampleShard;
using testing::flip;
using ::testing::HasSubstr;
using testing::overwrite;
using testing::TemporaryDirectory;
namespace fs = std::filesystem;

// Three shards: two of split train, one of test between them.
class ShardSetTest : public ::testing::Test {
 protected:
  void SetUp() override {
    manifest_ = {.settings = ExampleShard().settings,
                 .config_yaml = "seed: 1\n",
                 .version = "0.1.0",
                 .shards = {},
                 .skipped = {{"a song", "test", "broken"}}};
    for (const char* split : {"train", "test", "train"}) {
      ExampleShard shard;
      shard.split = split;
      const std::string name = fmt::format("shard-{}.h5", manifest_.shards.size());
      shard.tracks[0].name = name;
      manifest_.shards.push_back(shard.write(dir_ / name));
    }
    write_manifest(dir_.path(), manifest_);
  }
  std::string open_error(bool verify) const {
    return error_of([&] { const ShardSet set(dir_.path(), "train", verify); });
  }

  TemporaryDirectory dir_;
  Manifest manifest_;
};

TEST_F(ShardSetTest, NumbersTheWindowsOfASplitInManifestOrder) {
  const ShardSet set(dir_.path(), "train", true);
  ASSERT_EQ(set.num_windows(), 6);
  ASSERT_EQ(set.num_tracks(), 4);
  for (int64_t window = 0; window < 6; ++window) {
    const auto [reader, local] = set.locate(window);
    EXPECT_EQ(reader->path().filename(), window < 3 ? "shard-0.h5" : "shard-2.h5");
    EXPECT_EQ(local, window % 3);
    EXPECT_EQ(set.track_of(window), window / 3 * 2 + (local > 0 ? 1 : 0));
  }
  EXPECT_EQ(set.track_name(0), "shard-0.h5");
  EXPECT_EQ(set.track_name(2), "shard-2.h5");
  EXPECT_EQ(set.track_name(3), ExampleShard().tracks[1].name);
  EXPECT_EQ(set.key_of(3), window_key("shard-2.h5", 50));
  EXPECT_EQ(ShardSet(dir_.path(), "test", true).num_windows(), 3);
}

TEST_F(ShardSetTest, RefusesNumbersOutsideTheSplit) {
  const ShardSet set(dir_.path(), "train", false);
  EXPECT_THROW(set.locate(6), Error);
  EXPECT_THROW(set.locate(-1), Error);
  EXPECT_THROW(set.track_of(6), Error);
  EXPECT_THROW(set.track_name(4), Error);
}

TEST_F(ShardSetTest, EmptyShardsChangeNoNumbers) {
  ExampleShard empty;
  empty.windows.clear();
  empty.tracks.clear();
  manifest_.shards.insert(manifest_.shards.begin(), empty.write(dir_ / "none.h5"));
  manifest_.shards.insert(manifest_.shards.end() - 1, empty.write(dir_ / "none-either.h5"));
  write_manifest(dir_.path(), manifest_);
  const ShardSet set(dir_.path(), "train", true);
  EXPECT_EQ(set.num_windows(), 6);
  EXPECT_EQ(set.locate(0).first->path().filename(), "shard-0.h5");
  EXPECT_EQ(set.locate(3).first->path().filename(), "shard-2.h5");
}

TEST_F(ShardSetTest, ASplitWithoutWindowsIsNamed) {
  EXPECT_THAT(error_of([&] { const ShardSet set(dir_.path(), "valid", false); }),
              HasSubstr("no windows in split \"valid\""));
}

TEST_F(ShardSetTest, VerificationFindsAFlippedBitAnywhere) {
  const fs::path path = dir_ / "shard-2.h5";
  for (size_t at = 0; at < fs::file_size(path); at += 31) {
    const auto bit = static_cast<char>(1 << (at % 8));
    flip(path, at, bit);
    EXPECT_THAT(open_error(true), AllOf(HasSubstr("shard-2.h5"), HasSubstr("damaged"),
                                        HasSubstr(manifest_.shards[2].digest)))
        << at;
    flip(path, at, bit);
  }
  EXPECT_EQ(open_error(true), "");
}

TEST(VerifyShards, RanksShareTheBytesOfAllSplits) {
  const testing::TemporaryDirectory dir;
  Manifest manifest;
  for (const auto& [split, size] : std::vector<std::pair<std::string, int64_t>>{
           {"train", 900}, {"train", 100}, {"valid", 700}, {"valid", 90}, {"valid", 110}}) {
    ManifestEntry& entry = manifest.shards.emplace_back();
    entry.file = fmt::format("shard-{}.h5", manifest.shards.size());
    entry.split = split;
    entry.num_bytes = size;
    std::ofstream(dir / entry.file) << std::string(static_cast<size_t>(size), 'x');
    entry.digest = digest_of_file(dir / entry.file);
  }
  manifest.shards.push_back({.file = "absent.h5", .split = "test", .digest = ""});

  std::array<int64_t, 2> bytes = {0, 0};  // of the shards that each part reads
  for (const ManifestEntry& entry : manifest.shards) {
    if (entry.split == "test") continue;
    flip(dir / entry.file, 10);
    for (const int64_t part : {0, 1}) {
      const std::string error = error_of([&] {
        verify_shards(dir.path(), manifest, {"train", "valid"}, part, 2);
      });
      if (error.empty()) continue;
      EXPECT_THAT(error, AllOf(HasSubstr(entry.file), HasSubstr("damaged")));
      bytes[static_cast<size_t>(part)] += entry.num_bytes;
    }
    flip(dir / entry.file, 10);
  }
  EXPECT_EQ(bytes[0] + bytes[1], 1900);
  EXPECT_LE(std::abs(bytes[0] - bytes[1]), 110);
}

TEST_F(ShardSetTest, ATruncatedOrMissingShardIsFoundEvenWithoutVerification) {
  fs::resize_file(dir_ / "shard-2.h5", 5000);
  EXPECT_THAT(open_error(false), AllOf(HasSubstr("shard-2.h5"), HasSubstr("5000 bytes")));
  fs::remove(dir_ / "shard-2.h5");
  EXPECT_THAT(open_error(false), AllOf(HasSubstr("shard-2.h5"), HasSubstr("No such file")));
}

TEST_F(ShardSetTest, MixedShardsAreRefused) {
  ExampleShard other;
  other.settings.feature_fingerprint = "another front end";
  manifest_.shards[2] = other.write(dir_ / "shard-2.h5");
  write_manifest(dir_.path(), manifest_);
  EXPECT_THAT(open_error(true), AllOf(HasSubstr("shard-2.h5"), HasSubstr("another front end"),
                                      HasSubstr("0123456789abcdef")));
}

TEST_F(ShardSetTest, CountsAndSplitsMustAgreeWithTheManifest) {
  Manifest wrong = manifest_;
  wrong.shards[2].num_windows = 4;
  write_manifest(dir_.path(), wrong);
  EXPECT_THAT(open_error(false), HasSubstr("3 windows, the manifest says 2 and 4"));
  wrong = manifest_;
  wrong.shards[1].split = "train";
  write_manifest(dir_.path(), wrong);
  EXPECT_THAT(open_error(false), HasSubstr("belongs to split \"test\""));
}

TEST_F(ShardSetTest, TheManifestSurvivesWritingAndReading) {
  const Manifest read = read_manifest(dir_.path());
  EXPECT_EQ(read.settings, manifest_.settings);
  EXPECT_EQ(read.config_yaml, manifest_.config_yaml);
  EXPECT_EQ(read.version, manifest_.version);
  ASSERT_EQ(read.shards.size(), 3u);
  EXPECT_EQ(read.shards[1].file, "shard-1.h5");
  EXPECT_EQ(read.shards[1].split, "test");
  EXPECT_EQ(read.shards[1].digest, digest_of_file(dir_ / "shard-1.h5"));
  EXPECT_EQ(read.shards[1].num_bytes, manifest_.shards[1].num_bytes);
}

TEST_F(ShardSetTest, ADamagedManifestIsAlwaysFound) {
  const fs::path path = dir_ / kManifestName;
  const size_t size = fs::file_size(path);
  for (size_t at = 0; at < size; ++at) {
    flip(path, at);
    EXPECT_THROW(read_manifest(dir_.path()), Error) << "flipped byte " << at;
    flip(path, at);
  }
  for (size_t left = size; left > 0; --left) {
    fs::resize_file(path, left - 1);
    EXPECT_THROW(read_manifest(dir_.path()), Error) << "cut to " << left - 1;
  }
}

TEST_F(ShardSetTest, AManifestCannotNameFilesElsewhere) {
  for (const char* file : {"../shard-0.h5", "/etc/passwd", "..", ".", "", "a\\b", "sub/a.h5"}) {
    Manifest wrong = manifest_;
    wrong.shards[0].file = file;
    EXPECT_THAT(error_of([&] { write_manifest(dir_.path(), wrong); }),
                HasSubstr("plain file name"));
  }
  Manifest twice = manifest_;
  twice.shards[2] = twice.shards[0];
  write_manifest(dir_.path(), twice);
  EXPECT_THAT(open_error(false), HasSubstr("listed twice"));
}

// What a reader must refuse even under a right digest: text that another program wrote.
TEST_F(ShardSetTest, AForeignManifestIsCheckedInEveryField) {
  const fs::path path = dir_ / kManifestName;
  const OrderedJson good = OrderedJson::parse(content_of(path));
  const auto refused = [&](OrderedJson json) {
    json["digest"] = std::string(kDigestLength, '0');
    json["digest"] = digest_of(json.dump());
    overwrite(path, json.dump());
    return error_of([&] { read_manifest(dir_.path()); });
  };
  EXPECT_EQ(refused(good), "");
  for (const auto& [key, value] : good.items()) {
    if (key == "digest") continue;
    OrderedJson json = good;
    json.erase(key);
    EXPECT_THAT(refused(json), HasSubstr(key));
    json[key] = nullptr;
    EXPECT_NE(refused(json), "") << key;
  }
  OrderedJson json = good;
  json["shards"][1]["num_windows"] = -1;
  EXPECT_THAT(refused(json), HasSubstr("num_windows"));
  json = good;
  json["shards"][1]["file"] = "../../etc/passwd";
  EXPECT_THAT(refused(json), HasSubstr("plain file name"));
  json = good;
  json["format_version"] = 2;
  EXPECT_THAT(refused(json), HasSubstr("format version 2"));
}

TEST(Manifest, AMissingOneIsNamed) {
  const TemporaryDirectory dir;
  EXPECT_THAT(error_of([&] { read_manifest(dir.path()); }), HasSubstr("manifest.json"));
}

}  // namespace
}  // namespace cocola
