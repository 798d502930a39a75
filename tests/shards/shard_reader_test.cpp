#include "shards/shard_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <thread>

#include "base/json.h"
#include "shards/example_shard.h"
#include "support/python.h"
#include "support/temporary_directory.h"

namespace cocola {
namespace {

using ::testing::AllOf;
using testing::content_of;
using testing::error_of;
using testing::ExampleShard;
using ::testing::HasSubstr;
using testing::overwrite;
using testing::TemporaryDirectory;
namespace fs = std::filesystem;

// Every sample and every level of the example, through the reader.
void expect_example(const ShardReader& reader, const ExampleShard& example) {
  ASSERT_EQ(reader.windows().size(), example.windows.size());
  std::vector<uint16_t> scratch;
  for (size_t w = 0; w < example.windows.size(); ++w) {
    const ShardWindow& window = example.windows[w];
    EXPECT_EQ(reader.windows()[w].track, window.track);
    EXPECT_EQ(reader.windows()[w].start_sample, window.start_sample);
    EXPECT_EQ(reader.windows()[w].audible, window.audible);
    for (size_t stem = 0; stem < window.audible.size(); ++stem) {
      std::vector<int16_t> found(100), expected;
      const auto which = static_cast<int64_t>(stem);
      reader.read_stem(static_cast<int64_t>(w), which, found);
      for (int64_t i = 0; i < 100; ++i) {
        expected.push_back(ExampleShard::sample(window.track, which, window.start_sample + i));
      }
      EXPECT_EQ(found, expected) << "window " << w << ", stem " << stem;
    }
    for (int64_t pair = 0; pair < 2; ++pair) {
      const auto index = static_cast<int64_t>(w);
      std::vector<float> anchor(30), positive(30);
      reader.read_features(index, pair, anchor, positive, scratch);
      for (size_t i = 0; i < 30; ++i) {
        const auto at = static_cast<int64_t>(i);
        EXPECT_NEAR(anchor[i], example.level(index, pair, 0, at), 2e-5);
        EXPECT_NEAR(positive[i], example.level(index, pair, 1, at), 2e-5);
      }
    }
  }
}

TEST(ShardReader, GivesBackWhatTheWriterTook) {
  const TemporaryDirectory dir;
  const ExampleShard example;
  example.write(dir / "a.h5");
  const ShardReader reader(dir / "a.h5");
  EXPECT_EQ(reader.settings(), example.settings);
  EXPECT_EQ(reader.split(), "train");
  EXPECT_EQ(reader.provenance(), example.provenance);
  ASSERT_EQ(reader.tracks().size(), 2u);
  EXPECT_EQ(reader.tracks()[1].name, example.tracks[1].name);
  EXPECT_EQ(reader.tracks()[1].stem_names, example.tracks[1].stem_names);
  EXPECT_EQ(reader.tracks()[1].gain, 0.25f);
  EXPECT_TRUE(reader.reads_directly(kAudioDataset));
  EXPECT_TRUE(reader.reads_directly(kFeaturesDataset));
  expect_example(reader, example);
  reader.verify();
}

TEST(ShardReader, QuantisationCostsLessThanAThousandthOfADecibel) {
  const TemporaryDirectory dir;
  ExampleShard example;
  example.settings.mel_bins = 50;
  example.settings.frames = 401;
  ShardWriter writer(dir / "a.h5", example.settings, "train", example.tracks, example.windows,
                     "{}");
  std::vector<float> levels;
  for (int64_t i = 0; i < example.settings.view_values(); ++i) {
    levels.push_back(-80.0f * static_cast<float>(i) / 40099.0f);
  }
  example.write_stems(writer);
  for (int64_t row = 0; row < 6; ++row) writer.write_features(row / 2, row % 2, levels, levels);
  writer.finish();
  std::vector<float> anchor(levels.size()), positive(levels.size());
  std::vector<uint16_t> scratch;
  ShardReader(dir / "a.h5").read_features(1, 0, anchor, positive, scratch);
  float largest = 0.0f;
  for (size_t i = 0; i < levels.size(); ++i) {
    largest = std::max(largest, std::abs(anchor[i] - levels[i]));
  }
  EXPECT_LT(largest, 0.001f);
  EXPECT_EQ(anchor, positive);
}

TEST(ShardReader, ManyThreadsReadTheSameValues) {
  const TemporaryDirectory dir;
  const ExampleShard example;
  example.write(dir / "a.h5");
  const ShardReader reader(dir / "a.h5");
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 20; ++round) expect_example(reader, example);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(ShardReader, RefusesCallsOutsideItsBounds) {
  const TemporaryDirectory dir;
  const ExampleShard example;
  example.write(dir / "a.h5");
  const ShardReader reader(dir / "a.h5");
  std::vector<int16_t> samples(100);
  std::vector<float> view(30), small(29);
  std::vector<uint16_t> scratch;
  EXPECT_THROW(reader.read_stem(3, 0, samples), Error);
  EXPECT_THROW(reader.read_stem(-1, 0, samples), Error);
  EXPECT_THROW(reader.read_stem(0, 2, samples), Error);
  EXPECT_THROW(reader.read_stem(0, 0, std::span(samples).first(99)), Error);
  EXPECT_THROW(reader.read_features(3, 0, view, view, scratch), Error);
  EXPECT_THROW(reader.read_features(0, 2, view, view, scratch), Error);
  EXPECT_THROW(reader.read_features(0, 0, view, small, scratch), Error);
}

TEST(ShardReader, AShardWithoutFeaturesOrWithoutStemsSaysSo) {
  const TemporaryDirectory dir;
  ExampleShard example;
  example.settings.has_stems = false;
  example.write(dir / "features.h5");
  example = ExampleShard();
  example.settings.pairs_per_window = 0;
  example.write(dir / "stems.h5");
  std::vector<int16_t> samples(100);
  std::vector<float> view(30);
  std::vector<uint16_t> scratch;
  const ShardReader features(dir / "features.h5"), stems(dir / "stems.h5");
  features.read_features(2, 1, view, view, scratch);
  EXPECT_THAT(error_of([&] { features.read_stem(0, 0, samples); }), HasSubstr("no stems"));
  stems.read_stem(2, 2, samples);
  EXPECT_THAT(error_of([&] { stems.read_features(0, 0, view, view, scratch); }),
              HasSubstr("no features"));
  features.verify();
  stems.verify();
}

TEST(ShardReader, FindsEveryTruncation) {
  const TemporaryDirectory dir;
  ExampleShard().write(dir / "a.h5");
  const std::string whole = content_of(dir / "a.h5");
  for (size_t size = 0; size < whole.size(); size += 512) {
    overwrite(dir / "cut.h5", whole.substr(0, size));
    EXPECT_THAT(error_of([&] { ShardReader(dir / "cut.h5"); }), HasSubstr("cut.h5")) << size;
  }
  overwrite(dir / "cut.h5", whole.substr(0, whole.size() - 1));
  EXPECT_THAT(error_of([&] { ShardReader(dir / "cut.h5"); }), HasSubstr("cut.h5"));
}

TEST(ShardReader, AFileCutWhileOpenIsAnErrorOfTheRead) {
  const TemporaryDirectory dir;
  ExampleShard().write(dir / "a.h5");
  const ShardReader reader(dir / "a.h5");
  fs::resize_file(dir / "a.h5", 100);
  std::vector<int16_t> samples(100);
  EXPECT_THAT(error_of([&] { reader.read_stem(2, 2, samples); }), HasSubstr("shorter"));
}

TEST(ShardReader, VerifyNamesTheDamagedDataset) {
  const TemporaryDirectory dir;
  const ExampleShard example;
  example.write(dir / "a.h5");
  std::string bytes = content_of(dir / "a.h5");
  const std::vector<int16_t> stem = example.stem(1, 2);
  const std::string pattern(reinterpret_cast<const char*>(stem.data()), 2 * stem.size());
  const size_t at = bytes.find(pattern);
  ASSERT_NE(at, std::string::npos);
  bytes[at + 17] = static_cast<char>(bytes[at + 17] ^ 4);
  overwrite(dir / "a.h5", bytes);
  const ShardReader reader(dir / "a.h5");
  EXPECT_THAT(error_of([&] { reader.verify(); }),
              AllOf(HasSubstr("/stems/audio is damaged"), HasSubstr("expected")));
}

TEST(ShardReader, RefusesWhatIsNoShard) {
  const TemporaryDirectory dir;
  EXPECT_THAT(error_of([&] { ShardReader(dir / "none.h5"); }), HasSubstr("No such file"));
  EXPECT_THAT(error_of([&] { ShardReader(dir.path()); }), HasSubstr("not a regular file"));
  overwrite(dir / "text.h5", "not a shard");
  EXPECT_THAT(error_of([&] { ShardReader(dir / "text.h5"); }), HasSubstr("text.h5"));
  overwrite(dir / "empty.h5", "");
  EXPECT_THAT(error_of([&] { ShardReader(dir / "empty.h5"); }), HasSubstr("empty.h5"));
}

// Files made by another writer: h5py.
class ForeignShard : public ::testing::Test {
 protected:
  void SetUp() override {
    static const bool possible = testing::python_has({"h5py", "numpy"});
    if (!possible) GTEST_SKIP() << testing::python() << " has no h5py; set COCOLA_PYTHON_FOR_TESTS";
  }
  void write(const std::vector<std::string>& variants) const {
    std::vector<std::string> command = {testing::python(),
                                        COCOLA_TESTS "/shards/write_with_h5py.py", dir_.path(),
                                        settings_to_json(example_.settings).dump()};
    command.insert(command.end(), variants.begin(), variants.end());
    const auto result = testing::run_process(command);
    ASSERT_EQ(result.status, 0) << result.errors;
  }

  TemporaryDirectory dir_;
  ExampleShard example_;
};

TEST_F(ForeignShard, ContiguousDataAreReadDirectly) {
  const std::vector<std::string> variants = {"contiguous", "user_block"};
  write(variants);
  for (const std::string& variant : variants) {
    const ShardReader reader(dir_ / (variant + ".h5"));
    EXPECT_TRUE(reader.reads_directly(kAudioDataset)) << variant;
    EXPECT_TRUE(reader.reads_directly(kFeaturesDataset)) << variant;
    EXPECT_EQ(reader.tracks()[1].name, example_.tracks[1].name);
    expect_example(reader, example_);
  }
}

TEST_F(ForeignShard, AnyOtherLayoutIsReadThroughTheLibrary) {
  const std::vector<std::string> variants = {"gzip", "chunked", "big_endian"};
  write(variants);
  for (const std::string& variant : variants) {
    const ShardReader reader(dir_ / (variant + ".h5"));
    EXPECT_FALSE(reader.reads_directly(kAudioDataset)) << variant;
    EXPECT_FALSE(reader.reads_directly(kFeaturesDataset)) << variant;
    expect_example(reader, example_);
  }
}

TEST_F(ForeignShard, WithoutDigestsItOpensButCannotBeVerified) {
  write({"contiguous"});
  const ShardReader reader(dir_ / "contiguous.h5");
  EXPECT_THAT(error_of([&] { reader.verify(); }), HasSubstr("\"digest\" is missing"));
}

TEST_F(ForeignShard, IsRefusedInWordsWhenItBreaksTheRules) {
  const std::vector<std::pair<std::string, std::string>> faults = {
      {"lzf", "filter 32000"},
      {"float_audio", "/stems/audio does not hold signed integers of 16 bits"},
      {"wide_audio", "/stems/audio does not hold signed integers of 16 bits"},
      {"signed_features", "/features/values does not hold unsigned"},
      {"short_features", "/features/values has the shape [5, 2, 2, 3, 5]"},
      {"short_audio", "do not fit"},
      {"loose_strings", "/tracks/name"},
      {"loose_attribute", "\"split\" is not a single text of fixed length"},
      {"wrong_magic", "magic \"other\""},
      {"later_version", "format version 2"},
      {"no_scale", "\"scale\" is missing"},
      {"infinite_scale", "scale inf"},
      {"missing_table", "/windows/start_sample is missing"},
      {"huge_table", "/windows/audible"},
      {"foreign_track", "track 2 does not exist"},
      {"too_many_stems", "/tracks/num_stems"},
      {"flag_beyond_stems", "/windows/audible"},
      {"external_link", "not a hard link"},
      {"soft_link", "not a hard link"},
      {"external_storage", "in other files"},
      {"virtual", "virtual dataset"},
      {"committed_type", "type is not a plain"},
      {"group_for_dataset", "/stems/audio"},
      {"never_written", "/stems/audio: 2097152 bytes were never written"},
      {"never_written_chunks", "/stems/audio: 576460752303423488 bytes were never written"},
      {"one_chunk", "/stems/audio: 576460752303423488 bytes cannot be in a file of"},
  };
  std::vector<std::string> variants;
  for (const auto& fault : faults) variants.push_back(fault.first);
  write(variants);
  for (const auto& [variant, words] : faults) {
    const fs::path path = dir_ / (variant + ".h5");
    EXPECT_THAT(error_of([&] { const ShardReader reader(path); }),
                AllOf(HasSubstr(words), HasSubstr(variant + ".h5")))
        << variant;
  }
}

}  // namespace
}  // namespace cocola
