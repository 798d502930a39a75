#include "eval/embeddings.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/ones.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "base/error.h"
#include "eval/npy_files.h"
#include "eval/small_model.h"
#include "support/sound_file.h"
#include "support/temporary_directory.h"
#include "support/usage_error.h"

namespace cocola {
namespace {

using ::testing::HasSubstr;
using testing::tone;
using testing::write_sound;
namespace fs = std::filesystem;

class Embeddings : public ::testing::Test {
 protected:
  Embeddings() { fs::create_directories(directory_ / "songs/deep"); }
  EmbeddingSet read(const std::string& folder = "songs", const std::string& context = "") const {
    const auto source =
        open_embeddings((directory_ / folder).string(), {.model = &model_, .context = context});
    return read_embeddings(*source, *world_);
  }
  void write(const std::string& name, const std::vector<float>& samples, int rate = 16000) const {
    write_sound(directory_ / ("songs/" + name), samples, rate);
  }

  const std::unique_ptr<Communicator> world_ = open_solo_world();
  const testing::TemporaryDirectory directory_;
  const TrainedModel model_ = open_model(testing::write_small_model(directory_ / "m.safetensors"));
  const int64_t length_ = model_.window_samples();
};

TEST_F(Embeddings, OfAFolderAreThoseOfTheWindowsOfItsFilesByName) {
  write("b.wav", tone(2 * length_, 0.03, 0.3));
  write("a.wav", tone(length_ / 2, 0.02, 0.3));
  write("deep/c.wav", tone(length_, 0.05, 0.3));
  write(".hidden.wav", tone(length_, 0.05, 0.3));
  const EmbeddingSet set = read();
  ASSERT_EQ(set.files.size(), 3u);
  EXPECT_EQ(set.files[0].name, "a.wav");
  EXPECT_EQ(set.files[1].name, "b.wav");
  EXPECT_EQ(set.files[2].name, "deep/c.wav");
  EXPECT_EQ(set.files[1].first_row, 1);
  EXPECT_EQ(set.files[1].num_rows, 3);
  EXPECT_EQ(set.rows.size(0), 5);
  EXPECT_EQ(set.rows.size(1), 16);
  EXPECT_TRUE(set.is_audio);
}

TEST_F(Embeddings, OfAFileDoNotDependOnTheFilesBesideIt) {
  write("b.wav", tone(9 * length_, 0.03, 0.3));
  const at::Tensor alone = read().rows;
  write("a.wav", tone(length_, 0.02, 0.3));
  EXPECT_TRUE(at::allclose(read().rows.narrow(0, 1, alone.size(0)), alone, 0.0, 1e-5));
}

TEST_F(Embeddings, OfSilentWindowsAreLeftOutAndCounted) {
  std::vector<float> samples = tone(3 * length_, 0.03, 0.3);
  std::fill(samples.begin(), samples.begin() + 2 * length_, 0.0f);
  write("a.wav", samples);
  write("silent.wav", std::vector<float>(static_cast<size_t>(length_), 0.0f));
  const EmbeddingSet set = read();
  EXPECT_EQ(set.num_silent_windows, 4);
  EXPECT_EQ(set.rows.size(0), 2);
  EXPECT_EQ(set.files[1].num_rows, 0);
}

TEST_F(Embeddings, OfSilenceAloneAreRefused) {
  write("silent.wav", std::vector<float>(static_cast<size_t>(length_), 0.0f));
  EXPECT_THROW(read(), Error);
}

TEST_F(Embeddings, OfAudioNeedAModel) {
  write("a.wav", tone(length_, 0.03, 0.3));
  EXPECT_THAT(
      testing::usage_error_of([&] { open_embeddings((directory_ / "songs").string(), {}); }),
      HasSubstr("--model"));
}

TEST_F(Embeddings, OfStemsInTheirContextAreThoseOfTheMix) {
  const std::vector<float> stem = tone(2 * length_, 0.03, 0.3), rest = tone(3 * length_, 0.05, 0.2);
  std::vector<float> mix = stem;
  for (size_t i = 0; i < mix.size(); ++i) mix[i] += rest[i];
  for (const char* folder : {"stems", "rest", "mixes"}) fs::create_directories(directory_ / folder);
  constexpr int kFloatWav = SF_FORMAT_WAV | SF_FORMAT_FLOAT;
  write_sound(directory_ / "stems/a.wav", stem, 16000, 1, kFloatWav);
  write_sound(directory_ / "rest/a.wav", rest, 16000, 1, kFloatWav);
  write_sound(directory_ / "mixes/a.wav", mix, 16000, 1, kFloatWav);
  const std::string context = (directory_ / "rest").string();
  EXPECT_TRUE(at::equal(read("stems", context).rows, read("mixes").rows));
  EXPECT_FALSE(at::allclose(read("stems").rows, read("mixes").rows));
}

TEST_F(Embeddings, ThatCannotBeHeldAreRefusedByTheirHeaderAlone) {
  // 8 GiB as float64; a file of holes.
  const std::string path = testing::write_npy(directory_ / "large.npy", 1 << 24, 64, {});
  const auto source = open_embeddings(path, {});
  EXPECT_EQ(source->facts().num_rows, 1 << 24);
  EXPECT_THAT([&] { read_embeddings(*source, *world_); },
              ::testing::ThrowsMessage<Error>(HasSubstr("--frechet-only")));
}

TEST_F(Embeddings, OfAMatrixOfSeveralPartsAreItsRowsInOrder) {
  const at::Tensor rows = at::arange(60000, at::kFloat).reshape({20000, 3});
  const std::string path = testing::write_npy(directory_ / "m.npy", rows);
  const auto source = open_embeddings(path, {});
  EXPECT_EQ(source->facts().num_parts, 3);
  EXPECT_TRUE(at::equal(read_embeddings(*source, *world_).rows, rows.to(at::kDouble)));
}

TEST_F(Embeddings, ThatAreNotFiniteAreNamedByTheirRowInTheWholeMatrix) {
  const at::Tensor rows = at::ones({20000, 3}, at::kFloat);
  rows[17003][1] = std::numeric_limits<float>::quiet_NaN();
  fs::create_directories(directory_ / "matrices");
  for (const char* name : {"m.npy", "matrices/m.npy"}) {
    testing::write_npy(directory_ / name, rows);
  }
  // As a matrix, and as the one file of a folder.
  for (const auto& [set, name] : {std::pair("m.npy", "m.npy"), {"matrices", "matrices/m.npy"}}) {
    const auto source = open_embeddings((directory_ / set).string(), {});
    EXPECT_THAT([&] { read_embeddings(*source, *world_); },
                ::testing::ThrowsMessage<Error>(
                    ::testing::AllOf(HasSubstr(name), HasSubstr("first in row 17003"))));
  }
}

TEST_F(Embeddings, WithoutTheirContextAreRefused) {
  write("a.wav", tone(length_, 0.03, 0.3));
  EXPECT_THAT([&] { read("songs", (directory_ / "nowhere").string()); },
              ::testing::ThrowsMessage<Error>(HasSubstr("context")));
}

}  // namespace
}  // namespace cocola
