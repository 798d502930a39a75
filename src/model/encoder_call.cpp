#include "model/encoder_call.h"

#include <ATen/ops/empty.h>

#include <cmath>

namespace cocola {

at::Tensor draw_kept(const RowDraws& draws, DrawPurpose purpose, int64_t layer,
                     double keep_probability, int64_t columns) {
  const auto num_windows = static_cast<int64_t>(draws.window_ids.size());
  at::Tensor kept = at::empty({2 * num_windows, columns}, at::kFloat);
  float* value = kept.mutable_data_ptr<float>();
  for (int64_t view = 0; view < 2; ++view) {
    for (const int64_t window : draws.window_ids) {
      PhiloxStream stream(draws.seed, purpose, static_cast<uint32_t>(layer * 2 + view),
                          static_cast<uint64_t>(window), static_cast<uint64_t>(draws.epoch));
      for (int64_t column = 0; column < columns; ++column) {
        const double uniform = static_cast<double>(stream.next_uniform());
        *value++ = static_cast<float>(std::floor(keep_probability + uniform));
      }
    }
  }
  return kept;
}

}  // namespace cocola
