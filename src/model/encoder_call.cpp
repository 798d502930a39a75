#include "model/encoder_call.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <cmath>

namespace cocola {
namespace {

template <typename Change>
KeptRows changed(const KeptRows& kept, const Change& change) {
  const auto apply = [&](const at::Tensor& t) { return t.defined() ? change(t) : at::Tensor(); };
  return {apply(kept.blocks), apply(kept.features)};
}

}  // namespace

at::Tensor draw_kept(const RowDraws& draws, DrawPurpose purpose, int64_t layer,
                     double keep_probability, int64_t columns) {
  constexpr int64_t kValuesPerTask = 8192;
  const auto num_windows = static_cast<int64_t>(draws.window_ids.size());
  at::Tensor kept = at::empty({2 * num_windows, columns}, at::kFloat);
  float* const values = kept.mutable_data_ptr<float>();
  const int64_t rows_per_task = std::max<int64_t>(1, kValuesPerTask / columns);
  at::parallel_for(0, 2 * num_windows, rows_per_task, [&](int64_t first, int64_t last) {
    for (int64_t row = first; row < last; ++row) {
      const int64_t view = row / num_windows;
      const int64_t window = draws.window_ids[static_cast<size_t>(row % num_windows)];
      PhiloxStream stream(draws.seed, purpose, static_cast<uint32_t>(layer * 2 + view),
                          static_cast<uint64_t>(window), static_cast<uint64_t>(draws.epoch));
      for (int64_t column = 0; column < columns; ++column) {
        const double uniform = static_cast<double>(stream.next_uniform());
        values[row * columns + column] = static_cast<float>(std::floor(keep_probability + uniform));
      }
    }
  });
  return kept;
}

KeptRows KeptRows::of_call(int64_t call) const {
  return changed(*this, [&](const at::Tensor& t) { return t.select(0, call); });
}

KeptRows KeptRows::of_calls(int64_t first, int64_t last) const {
  return changed(*this, [&](const at::Tensor& t) { return t.slice(0, first, last); });
}

KeptRows KeptRows::to(at::Device device) const {
  return changed(*this, [&](const at::Tensor& t) { return t.to(device, /*non_blocking=*/true); });
}

KeptRows KeptRows::pinned() const {
  return changed(*this, [](const at::Tensor& t) { return t.pin_memory(); });
}

}  // namespace cocola
