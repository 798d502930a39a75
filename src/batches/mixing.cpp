#include "batches/mixing.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <c10/core/DeviceGuard.h>

#include "batches/mixing_cells.h"

namespace cocola {
namespace {

// keys and gains are those of pair `first` and on.
at::Tensor mix_signals(const PackedStems& stems, int64_t first_signal, int64_t first, int64_t count,
                       const PositiveNoise& noise, at::Device device) {
  const auto there = [&](const at::Tensor& all, int64_t begin, int64_t size) {
    return all.narrow(0, begin, size).to(device, /*non_blocking=*/true);
  };
  const int64_t* const ends = stems.first_rows.const_data_ptr<int64_t>() + first_signal;
  const at::Tensor rows = there(stems.rows, ends[0], ends[count] - ends[0]);
  const at::Tensor first_rows = there(stems.first_rows, first_signal, count + 1);
  const at::Tensor gains = there(stems.gains, first, count);
  const at::Tensor keys = there(stems.keys, first, count);
  const at::Tensor waveforms = at::empty({count, rows.size(1)}, gains.options());
  const MixedSamples cells{.rows = rows.const_data_ptr<int16_t>(),
                           .first_rows = first_rows.const_data_ptr<int64_t>(),
                           .gains = gains.const_data_ptr<float>(),
                           .keys = keys.const_data_ptr<int64_t>(),
                           .waveforms = waveforms.data_ptr<float>(),
                           .num_samples = rows.size(1),
                           .noise_std = static_cast<float>(noise.noise_std),
                           .seed = noise.seed,
                           .epoch = noise.epoch};
  const int64_t num_cells = count * cells.cells_per_signal();
  if (device.is_cpu()) {
    for (int64_t i = 0; i < num_cells; ++i) cells(i);
  } else {
    const c10::DeviceGuard on(device);
    mix_on_gpu(cells, num_cells);
  }
  return waveforms;
}

}  // namespace

at::Tensor mix_anchors(const PackedStems& stems, int64_t first, int64_t count, at::Device device) {
  return mix_signals(stems, first, first, count, {}, device);
}

at::Tensor mix_positives(const PackedStems& stems, int64_t first, int64_t count,
                         const PositiveNoise& noise, at::Device device) {
  return mix_signals(stems, stems.keys.size(0) + first, first, count, noise, device);
}

}  // namespace cocola
