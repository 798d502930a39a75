// The writer is checked with the raw HDF5 library, never with our own reader.
#include "shards/shard_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <hdf5.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>

#include "base/digest.h"
#include "base/json.h"
#include "base/process.h"
#include "shards/example_shard.h"
#include "support/temporary_directory.h"

namespace cocola {
namespace {

using testing::content_of;
using ::testing::ElementsAre;
using testing::error_of;
using testing::ExampleShard;
using ::testing::HasSubstr;
using testing::TemporaryDirectory;
namespace fs = std::filesystem;

size_t count_files(const fs::path& directory) {
  return static_cast<size_t>(
      std::distance(fs::directory_iterator(directory), fs::directory_iterator()));
}

// A shard opened by the library itself.
class RawShard : public ::testing::Test {
 protected:
  void SetUp() override {
    example_.write(dir_ / "a.h5");
    file_ = H5Fopen((dir_ / "a.h5").c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
    ASSERT_GE(file_, 0);
  }
  void TearDown() override { EXPECT_GE(H5Fclose(file_), 0); }

  template <typename T>
  std::vector<T> read(const char* name, hid_t type) const {
    const hid_t dataset = H5Dopen2(file_, name, H5P_DEFAULT);
    const hid_t space = H5Dget_space(dataset);
    std::vector<T> values(static_cast<size_t>(H5Sget_simple_extent_npoints(space)));
    EXPECT_GE(H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()), 0) << name;
    H5Sclose(space);
    H5Dclose(dataset);
    return values;
  }
  std::vector<std::string> read_names(const char* name) const {
    const hid_t dataset = H5Dopen2(file_, name, H5P_DEFAULT);
    const hid_t type = H5Dget_type(dataset), space = H5Dget_space(dataset);
    EXPECT_EQ(H5Tget_cset(type), H5T_CSET_UTF8);
    const auto num = static_cast<size_t>(H5Sget_simple_extent_npoints(space));
    const size_t width = H5Tget_size(type);
    std::string packed(num * width, '\0');
    EXPECT_GE(H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, packed.data()), 0) << name;
    std::vector<std::string> names;
    for (size_t i = 0; i < num; ++i) names.emplace_back(packed.substr(i * width, width).c_str());
    H5Sclose(space);
    H5Tclose(type);
    H5Dclose(dataset);
    return names;
  }
  std::string read_attribute(const char* object, const char* name) const {
    const hid_t attribute = H5Aopen_by_name(file_, object, name, H5P_DEFAULT, H5P_DEFAULT);
    const hid_t type = H5Aget_type(attribute);
    std::string text(H5Tget_size(type), '\0');
    EXPECT_GE(H5Aread(attribute, type, text.data()), 0) << name;
    H5Tclose(type);
    H5Aclose(attribute);
    return text;
  }

  TemporaryDirectory dir_;
  ExampleShard example_;
  hid_t file_ = H5I_INVALID_HID;
};

TEST_F(RawShard, CarriesItsTables) {
  EXPECT_THAT(read_names("/tracks/name"), ElementsAre("one", example_.tracks[1].name));
  EXPECT_THAT(read_names("/tracks/stem_names"), ElementsAre("bass", "drums", "a", "b", "c"));
  EXPECT_THAT(read<int64_t>("/tracks/num_stems", H5T_NATIVE_INT64), ElementsAre(2, 3));
  EXPECT_THAT(read<int64_t>("/tracks/first_value", H5T_NATIVE_INT64), ElementsAre(0, 300));
  EXPECT_THAT(read<int64_t>("/tracks/num_samples", H5T_NATIVE_INT64), ElementsAre(150, 220));
  EXPECT_THAT(read<float>("/tracks/gain", H5T_NATIVE_FLOAT), ElementsAre(0.5f, 0.25f));
  EXPECT_THAT(read<int64_t>("/windows/track", H5T_NATIVE_INT64), ElementsAre(0, 1, 1));
  EXPECT_THAT(read<int64_t>("/windows/start_sample", H5T_NATIVE_INT64), ElementsAre(50, 0, 120));
  EXPECT_THAT(read<int>("/windows/audible", H5T_NATIVE_INT),
              ElementsAre(1, 1, 0, 1, 0, 1, 1, 1, 1));
}

TEST_F(RawShard, CarriesItsSamplesAndLevels) {
  const auto audio = read<int16_t>(kAudioDataset, H5T_NATIVE_INT16);
  ASSERT_EQ(audio.size(), 960u);
  EXPECT_EQ(audio[150 + 7], ExampleShard::sample(0, 1, 7));
  EXPECT_EQ(audio[300 + 2 * 220 + 219], ExampleShard::sample(1, 2, 219));
  const auto levels = read<uint16_t>(kFeaturesDataset, H5T_NATIVE_UINT16);
  ASSERT_EQ(levels.size(), 360u);
  for (size_t i = 0; i < levels.size(); ++i) {
    const size_t row = i / 60;
    EXPECT_EQ(levels[i], 997 * (row / 2) + 401 * (row % 2) + 211 * (i / 30 % 2) + 7 * (i % 30));
  }
}

TEST_F(RawShard, CarriesItsAttributes) {
  EXPECT_EQ(read_attribute("/", "magic"), kShardMagic);
  EXPECT_EQ(read_attribute("/", "split"), "train");
  EXPECT_EQ(read_attribute("/", "provenance"), example_.provenance);
  EXPECT_EQ(settings_from_json(Json::parse(read_attribute("/", "settings")), "x"),
            example_.settings);
  std::string bytes;
  for (const int16_t value : read<int16_t>(kAudioDataset, H5T_NATIVE_INT16)) {
    bytes.append(reinterpret_cast<const char*>(&value), sizeof(value));
  }
  EXPECT_EQ(read_attribute(kAudioDataset, kDigestAttribute), digest_of(bytes));
  const std::string audible("\1\1\0\1\0\1\1\1\1", 9);
  EXPECT_EQ(read_attribute("/windows/audible", kDigestAttribute), digest_of(audible));
}

// These values stand in FORMAT.md.
TEST_F(RawShard, IsTheWorkedExampleOfTheFormat) {
  EXPECT_EQ(read_attribute(kFeaturesDataset, kDigestAttribute), "b41049273af01997f221527ad8d370c1");
  EXPECT_EQ(read_attribute(kAudioDataset, kDigestAttribute), "e54f23480455cfda6473c985e335ebbf");
  EXPECT_EQ(read_attribute("/tracks/name", kDigestAttribute), "8aa31d8328686445afa53b59bc4efc1d");
  EXPECT_EQ(read<int16_t>(kAudioDataset, H5T_NATIVE_INT16)[640], ExampleShard::sample(1, 1, 120));
}

TEST_F(RawShard, LargeDatasetsAreContiguousUnfilteredAndLittleEndian) {
  for (const auto& [name, expected] :
       {std::pair{kAudioDataset, H5T_STD_I16LE}, std::pair{kFeaturesDataset, H5T_STD_U16LE}}) {
    const hid_t dataset = H5Dopen2(file_, name, H5P_DEFAULT);
    const hid_t creation = H5Dget_create_plist(dataset), type = H5Dget_type(dataset);
    EXPECT_EQ(H5Pget_layout(creation), H5D_CONTIGUOUS);
    EXPECT_EQ(H5Pget_nfilters(creation), 0);
    EXPECT_GT(H5Tequal(type, expected), 0);
    H5Tclose(type);
    H5Pclose(creation);
    H5Dclose(dataset);
  }
}

TEST_F(RawShard, HoldsNoTimeStamps) {
  const auto check = [](hid_t, const char* name, const H5O_info_t* info, void* count) -> herr_t {
    EXPECT_EQ(info->atime + info->mtime + info->ctime + info->btime, 0) << name;
    ++*static_cast<int*>(count);
    return 0;
  };
  int count = 0;
  ASSERT_GE(H5Ovisit2(file_, H5_INDEX_NAME, H5_ITER_NATIVE, check, &count, H5O_INFO_TIME), 0);
  EXPECT_EQ(count, 1 + 4 + 11);
}

TEST(ShardWriter, TheSameCallsWriteTheSameBytes) {
  const TemporaryDirectory dir;
  const ManifestEntry a = ExampleShard().write(dir / "a.h5"),
                      b = ExampleShard().write(dir / "b.h5");
  EXPECT_EQ(content_of(dir / "a.h5"), content_of(dir / "b.h5"));
  EXPECT_EQ(a.digest, b.digest);
  EXPECT_EQ(a.digest, digest_of_file(dir / "a.h5"));
  EXPECT_EQ(count_files(dir.path()), 2u);
}

TEST(ShardWriter, CarriesALongProvenance) {
  const TemporaryDirectory dir;
  ExampleShard example;
  example.provenance = '"' + std::string(300'000, 'x') + '"';
  example.write(dir / "a.h5");
  EXPECT_THAT(content_of(dir / "a.h5"), HasSubstr(example.provenance));
}

TEST(ShardWriter, AnUnfinishedShardVanishes) {
  const TemporaryDirectory dir;
  const ExampleShard example;
  {
    ShardWriter writer(dir / "a.h5", example.settings, "train", example.tracks, example.windows,
                       "{}");
    example.write_stems(writer);
    EXPECT_FALSE(fs::exists(dir / "a.h5"));
    EXPECT_THAT(error_of([&] { writer.finish(); }), HasSubstr("0 of 720 bytes"));
  }
  EXPECT_EQ(count_files(dir.path()), 0u);
}

TEST(ShardWriter, RefusesCallsOutOfOrder) {
  const TemporaryDirectory dir;
  const ExampleShard example;
  ShardWriter writer(dir / "a.h5", example.settings, "train", example.tracks, example.windows,
                     "{}");
  const auto view = example.view(0, 0, 0);
  EXPECT_THROW(writer.write_stem(0, 1, example.stem(0, 1)), Error);
  EXPECT_THROW(writer.write_stem(0, 0, example.stem(1, 0)), Error);
  EXPECT_THROW(writer.write_features(0, 1, view, view), Error);
  EXPECT_THROW(writer.write_features(0, 2, view, view), Error);
  EXPECT_THROW(writer.write_features(0, 0, view, std::span(view).first(29)), Error);
  example.write_stems(writer);
  EXPECT_THROW(writer.write_stem(2, 0, example.stem(1, 0)), Error);
  example.write_features(writer);
  EXPECT_THROW(writer.write_features(3, 0, view, view), Error);
  writer.finish();
  EXPECT_TRUE(fs::exists(dir / "a.h5"));
}

TEST(ShardWriter, RefusesValuesThatAreNoLevelsAndKeepsLevelsInRange) {
  const TemporaryDirectory dir;
  const ExampleShard example;
  ShardWriter writer(dir / "a.h5", example.settings, "train", example.tracks, example.windows,
                     "{}");
  auto view = example.view(0, 0, 0);
  for (const float bad : {NAN, INFINITY, -INFINITY}) {
    view[4] = bad;
    EXPECT_THAT(error_of([&] { writer.write_features(0, 0, view, view); }), HasSubstr("value 4"));
  }
}

TEST(ShardWriter, RefusesTablesThatBreakTheRules) {
  const TemporaryDirectory dir;
  ExampleShard example;
  example.windows[0].start_sample = 51;
  EXPECT_THAT(error_of([&] { example.write(dir / "a.h5"); }), HasSubstr("window 0"));
  example = ExampleShard();
  example.tracks[0].name = std::string("a\0b", 3);
  EXPECT_THAT(error_of([&] { example.write(dir / "a.h5"); }), HasSubstr("zero byte"));
  EXPECT_THAT(error_of([&] { ExampleShard().write(dir / "none" / "a.h5"); }), HasSubstr("none"));
  EXPECT_EQ(count_files(dir.path()), 0u);
}

TEST(ShardWriter, AKilledProcessLeavesNothingUnderTheFinalName) {
  const TemporaryDirectory dir;
  const ExampleShard example;
  const pid_t child = fork();
  if (child == 0) {
    ShardWriter writer(dir / "a.h5", example.settings, "train", example.tracks, example.windows,
                       "{}");
    example.write_stems(writer);
    example.write_features(writer);
    kill(getpid(), SIGKILL);
  }
  waitpid(child, nullptr, 0);
  EXPECT_EQ(count_files(dir.path()), 1u);
  EXPECT_FALSE(fs::exists(dir / "a.h5"));
}

// A file size limit stands for a full disk, at several moments of the writing.
TEST(ShardWriter, AFullDiskIsOneErrorAndLeavesNothing) {
  for (const rlim_t limit : {0, 100, 2000, 4000, 6000, 8000}) {
    const TemporaryDirectory dir;
    const pid_t child = fork();
    if (child == 0) {
      install_stop_signals();
      const rlimit size{limit, limit};
      setrlimit(RLIMIT_FSIZE, &size);
      // exit, not _exit: HDF5 closes what it still holds.
      std::exit(error_of([&] { ExampleShard().write(dir / "a.h5"); }).find("a.h5") !=
                        std::string::npos
                    ? 0
                    : 1);
    }
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_TRUE(WIFEXITED(status)) << limit;
    EXPECT_EQ(WEXITSTATUS(status), 0) << limit;
    EXPECT_EQ(count_files(dir.path()), 0u) << limit;
  }
}

}  // namespace
}  // namespace cocola
