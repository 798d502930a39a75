// The shapes of the trunk's layers at any width and depth.
#pragma once
#include <cstdint>
#include <vector>

#include "model/model_config.h"

namespace cocola {

// The image size for which paddings are worked out, whatever the input.
inline constexpr int64_t kNominalImage = 224;
inline constexpr int64_t kStemStride = 2;

struct BlockShape {
  int64_t in, out, kernel, stride, expansion, nominal_size;
  bool skip;  // the block's input is added to its output
  int64_t middle() const { return in * expansion; }
};

struct TrunkPlan {
  int64_t stem_channels, head_channels;
  std::vector<BlockShape> blocks;
};

TrunkPlan plan_trunk(const ModelConfig& config);

}  // namespace cocola
