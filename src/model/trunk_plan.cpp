#include "model/trunk_plan.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace cocola {
namespace {

// Consecutive blocks of one shape; only the first changes size and channels. Channels at width 1.
struct Stage {
  int64_t repeats, kernel, stride, expansion, in, out;
};
constexpr int64_t kStemChannels = 32, kHeadChannels = 1280;
constexpr std::array<Stage, 7> kStages = {{{1, 3, 1, 1, 32, 16},
                                           {2, 3, 2, 6, 16, 24},
                                           {2, 5, 2, 6, 24, 40},
                                           {3, 3, 2, 6, 40, 80},
                                           {3, 5, 1, 6, 80, 112},
                                           {4, 5, 2, 6, 112, 192},
                                           {1, 3, 1, 6, 192, 320}}};

// Channels at another width: the nearest multiple of 8, never more than 10 % less.
int64_t scale_channels(int64_t channels, double width) {
  constexpr int64_t kMultiple = 8;
  const double wanted = static_cast<double>(channels) * width;
  const int64_t nearest = static_cast<int64_t>(wanted + kMultiple / 2.0) / kMultiple * kMultiple;
  const int64_t rounded = std::max(kMultiple, nearest);
  return static_cast<double>(rounded) < 0.9 * wanted ? rounded + kMultiple : rounded;
}

int64_t scale_repeats(int64_t repeats, double depth) {
  return static_cast<int64_t>(std::ceil(depth * static_cast<double>(repeats)));
}

}  // namespace

TrunkPlan plan_trunk(const ModelConfig& config) {
  TrunkPlan plan{
      scale_channels(kStemChannels, config.width), scale_channels(kHeadChannels, config.width), {}};
  int64_t channels = plan.stem_channels;
  int64_t size = kNominalImage / kStemStride;
  for (const Stage& stage : kStages) {
    const int64_t out = scale_channels(stage.out, config.width);
    for (int64_t repeat = 0; repeat < scale_repeats(stage.repeats, config.depth); ++repeat) {
      // The first block of a stage never skips, even where a narrow trunk makes in equal to out.
      const int64_t stride = repeat == 0 ? stage.stride : 1;
      plan.blocks.push_back(
          BlockShape{channels, out, stage.kernel, stride, stage.expansion, size, repeat > 0});
      channels = out;
      size = (size + stride - 1) / stride;
    }
  }
  return plan;
}

}  // namespace cocola
