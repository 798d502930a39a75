#include "features/stft.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/fft_rfft.h>
#include <ATen/ops/hann_window.h>
#include <ATen/ops/zeros.h>

#include "base/error.h"
#include "features/front_end_support.h"
#include "support/golden.h"
#include "support/measured.h"

namespace cocola {
namespace {

using testing::relative_error;
using testing::room_of;
using testing::span_of;

class StftAt : public testing::EverySimdLevel {
 protected:
  at::Tensor magnitude(const at::Tensor& waveform, EdgePadding padding) {
    Stft stft(FeatureConfig{}, padding, GetParam());
    const at::Tensor out = at::empty({stft.num_frames(waveform.numel()), stft.num_bins()});
    stft.magnitude(span_of(waveform), room_of(out));
    return out;
  }
};

TEST_P(StftAt, MagnitudeEqualsLibrosa) {
  const SafetensorsFile golden = testing::golden("frontend");
  const at::Tensor found = magnitude(golden.get("waveform")[0].contiguous(), EdgePadding::zeros);
  const double error = relative_error(found.t(), golden.get("window0.magnitude"));
  EXPECT_LE(testing::measured("STFT, magnitude", error, 1e-5), 1e-5);
}

TEST_P(StftAt, EdgesAreThoseOfThePaddedWaveform) {
  const at::Tensor x = testing::tones_and_clicks().slice(0, 100, 5000).contiguous();
  const at::Tensor silence = at::zeros({512});
  const at::Tensor reflected =
      at::cat({x.slice(0, 1, 513).flip(0), x, x.slice(0, -513, -1).flip(0)});
  struct Case {
    EdgePadding padding;
    at::Tensor padded;
  };
  for (const Case& c : {Case{EdgePadding::zeros, at::cat({silence, x, silence})},
                        Case{EdgePadding::reflect, reflected}}) {
    const at::Tensor taper = at::zeros({1024});
    taper.slice(0, 312, 712) = at::hann_window(400, at::kDouble);
    const at::Tensor frames = c.padded.unfold(0, 1024, 160) * taper;
    const at::Tensor expected = at::fft_rfft(frames.to(at::kDouble)).abs();
    EXPECT_LE(relative_error(magnitude(x, c.padding), expected), 1e-6);
  }
}

INSTANTIATE_TEST_SUITE_P(Levels, StftAt, testing::kLevels, testing::level_name);

TEST(Stft, ReflectionNeedsMoreSamplesThanItMirrors) {
  Stft stft(FeatureConfig{}, EdgePadding::reflect);
  std::vector<float> x(512), out(4 * 513);
  EXPECT_THROW(stft.magnitude(x, out), Error);
}

TEST(Stft, RoomOfTheWrongSizeIsRefused) {
  Stft stft(FeatureConfig{}, EdgePadding::zeros);
  std::vector<float> x(1600), out(513);
  EXPECT_THROW(stft.magnitude(x, out), Error);
}

}  // namespace
}  // namespace cocola
