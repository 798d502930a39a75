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
                                int64_t frames, c10::DeviceType device) {
  // Of a batch norm with SiLU behind it (model/batch_norm.h on the CPU).
  const int64_t norm = device == c10::DeviceType::CPU ? 1 : 2;
  const TrunkPlan plan = plan_trunk(config);
  Image image{mel_bins, frames};
  int64_t values = in_channels * image.area();
  image = image.after(3, kStemStride, kNominalImage);
  values += (norm + 1) * plan.stem_channels * image.area();  // and the input of the first block
  for (const BlockShape& block : plan.blocks) {
    // And the input of the depthwise convolution.
    if (block.expansion != 1) values += (norm + 1) * block.middle() * image.area();
    image = image.after(block.kernel, block.stride, block.nominal_size);
    // And the inputs of excitation and projection; then of a norm alone and of the next block.
    values += ((norm + 2) * block.middle() + 2 * block.out) * image.area();
  }
  return values + norm * plan.head_channels * image.area();
}

}  // namespace cocola
