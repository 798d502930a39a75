#include "model/activations.h"

#include <algorithm>

#include "model/trunk_plan.h"

namespace cocola {
namespace {

struct Image {
  int64_t height, width;

  int64_t area() const { return height * width; }
  // After static padding, which suits the nominal image: that of another size may lose a column.
  Image after(int64_t kernel, int64_t stride, int64_t nominal_size) const {
    const int64_t outputs = (nominal_size + stride - 1) / stride;
    const int64_t padding = std::max<int64_t>((outputs - 1) * stride + kernel - nominal_size, 0);
    return {(height + padding - kernel) / stride + 1, (width + padding - kernel) / stride + 1};
  }
};

}  // namespace

int64_t saved_values_per_window(const ModelConfig& config, int64_t in_channels, int64_t mel_bins,
                                int64_t frames) {
  const TrunkPlan plan = plan_trunk(config);
  Image image{mel_bins, frames};
  int64_t values = in_channels * image.area();
  image = image.after(3, kStemStride, kNominalImage);
  values += 2 * plan.stem_channels * image.area();  // inputs of the norm and of the first block
  for (const BlockShape& block : plan.blocks) {
    // Of a norm and of the depthwise convolution.
    if (block.expansion != 1) values += 2 * block.middle() * image.area();
    image = image.after(block.kernel, block.stride, block.nominal_size);
    // Of a norm, excitation and projection; then of a norm and of the next block.
    values += (3 * block.middle() + 2 * block.out) * image.area();
  }
  return values + plan.head_channels * image.area();
}

}  // namespace cocola
