#include "eval/streamed_set.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/json.h"
#include "eval/distance_report.h"
#include "eval/npy_files.h"
#include "eval/small_model.h"
#include "metrics/sample_sets.h"
#include "support/sound_file.h"
#include "support/temporary_directory.h"

namespace cocola {
namespace {

using ::testing::HasSubstr;
using testing::normal_samples;
using testing::write_npy;
namespace fs = std::filesystem;

void expect_near_relative(double found, double expected) {
  EXPECT_NEAR(found / expected, 1.0, 1e-9);
}

class StreamedSets : public ::testing::Test {
 protected:
  StreamedSets() { fs::create_directory(directory_ / "songs"); }

  // The same two sets in memory and streamed.
  void expect_equal_distances(const std::string& a, const std::string& b,
                              const AudioEmbedding& audio = {}) {
    const auto reference = open_embeddings(a, audio), evaluated = open_embeddings(b, audio);
    const DistanceReport whole = measure_distance(read_embeddings(*reference, *world_),
                                                  read_embeddings(*evaluated, *world_), true, 1);
    const StreamedSet streamed = stream_set(*reference, nullptr, *world_);
    const DistanceReport found =
        measure_frechet(streamed, stream_set(*evaluated, &streamed.statistics, *world_));
    expect_near_relative(found.frechet.value, whole.frechet.value);
    const OrderedJson expected = whole.to_json(), json = found.to_json();
    EXPECT_EQ(json["a"], expected["a"]);
    EXPECT_EQ(json["b"], expected["b"]);
    ASSERT_EQ(found.files.size(), whole.files.size());
    for (size_t i = 0; i < whole.files.size(); ++i) {
      EXPECT_EQ(found.files[i].name, whole.files[i].name);
      EXPECT_EQ(found.files[i].num_samples, whole.files[i].num_samples);
      ASSERT_EQ(found.files[i].frechet.has_value(), whole.files[i].frechet.has_value());
      if (whole.files[i].frechet) {
        expect_near_relative(*found.files[i].frechet, *whole.files[i].frechet);
      }
    }
  }
  std::string path(const std::string& name) const { return (directory_ / name).string(); }

  const testing::TemporaryDirectory directory_;
  const std::unique_ptr<Communicator> world_ = open_solo_world();
};

TEST_F(StreamedSets, HaveTheDistancesOfSetsInMemory) {
  const at::Tensor a = normal_samples(8500, 6, 1).to(at::kFloat);
  const at::Tensor b = (normal_samples(300, 6, 2) * 1.2 + 0.3).to(at::kFloat);
  write_npy(path("a.npy"), a);
  write_npy(path("songs/1.npy"), b.narrow(0, 0, 100));
  write_npy(path("songs/2.npy"), b.narrow(0, 100, 1));
  write_npy(path("songs/3.npy"), b.narrow(0, 101, 199));
  expect_equal_distances(path("a.npy"), path("songs"));
  expect_equal_distances(path("songs"), path("a.npy"));
}

TEST_F(StreamedSets, OfAudioCountTheirSilence) {
  const TrainedModel model = open_model(testing::write_small_model(directory_ / "m.safetensors"));
  const int64_t length = model.window_samples();
  std::vector<float> half_silent = testing::tone(4 * length, 0.03, 0.3);
  std::fill(half_silent.begin(), half_silent.begin() + 2 * length, 0.0f);
  testing::write_sound(directory_ / "songs/a.wav", testing::tone(5 * length, 0.05, 0.3), 16000);
  testing::write_sound(directory_ / "songs/b.wav", half_silent, 16000);
  testing::write_sound(directory_ / "songs/c.wav",
                       std::vector<float>(static_cast<size_t>(length), 0.0f), 16000);
  write_npy(path("reference.npy"), normal_samples(40, 16, 3).to(at::kFloat));
  expect_equal_distances(path("reference.npy"), path("songs"), {.model = &model, .context = ""});
}

TEST_F(StreamedSets, SayWhatTheyLackAndWhy) {
  const auto source =
      open_embeddings(write_npy(path("a.npy"), normal_samples(50, 6, 4).to(at::kFloat)), {});
  const StreamedSet set = stream_set(*source, nullptr, *world_);
  const DistanceReport report = measure_frechet(set, set);
  EXPECT_THAT(report.notes, ::testing::ElementsAre(HasSubstr("neither FAD-infinity nor KAD")));
  EXPECT_TRUE(report.to_json()["kad"].is_null());
  EXPECT_TRUE(report.to_json()["frechet_infinity"].is_null());
}

TEST_F(StreamedSets, OfOneSampleAreNamed) {
  const auto one =
      open_embeddings(write_npy(path("one.npy"), normal_samples(1, 6, 4).to(at::kFloat)), {});
  write_npy(path("songs/1.npy"), normal_samples(9, 6, 5).to(at::kFloat));
  const auto many = open_embeddings(path("songs"), {});
  const StreamedSet a = stream_set(*one, nullptr, *world_);
  const StreamedSet b = stream_set(*many, &a.statistics, *world_);
  EXPECT_THAT([&] { measure_frechet(a, b); },
              ::testing::ThrowsMessage<Error>(HasSubstr("one.npy: one embedding")));
}

}  // namespace
}  // namespace cocola
