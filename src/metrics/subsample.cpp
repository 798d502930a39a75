#include "metrics/subsample.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/tensor.h>

#include <numeric>
#include <utility>
#include <vector>

#include "base/philox.h"

namespace cocola {

at::Tensor draw_rows(const at::Tensor& samples, int64_t count, uint64_t seed, SubsampleUse use,
                     int64_t draw) {
  PhiloxStream stream(seed, DrawPurpose::bootstrap, static_cast<uint32_t>(use),
                      static_cast<uint64_t>(draw), 0);
  std::vector<int64_t> order(static_cast<size_t>(samples.size(0)));
  std::iota(order.begin(), order.end(), 0);
  for (size_t i = 0; i < static_cast<size_t>(count); ++i) {
    std::swap(order[i], order[i + stream.next_below(static_cast<uint32_t>(order.size() - i))]);
  }
  order.resize(static_cast<size_t>(count));
  return samples.index_select(0, at::tensor(order, at::kLong));
}

}  // namespace cocola
