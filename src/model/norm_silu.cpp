#include "model/norm_silu.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/sum.h>

#include <algorithm>

namespace cocola {
namespace {

// Few, so that there are cells enough for all threads of a GPU; more where they are summed, so that
// there are not too many sums. Decided by the image alone, not by the device.
constexpr int64_t kPixelsOfCell = 8, kMostPixelsOfSum = 128, kCellsWanted = 65536;

NormImage image_of(const at::Tensor& x, int64_t pixels_of_cell) {
  const int64_t channels = x.size(1), pixels = x.numel() / channels;
  return {pixels, channels, (pixels + pixels_of_cell - 1) / pixels_of_cell};
}

NormImage summed_image_of(const at::Tensor& x) {
  const int64_t pixels_of_cell = x.numel() / kChannelsOfCell / kCellsWanted;
  return image_of(x, std::clamp(pixels_of_cell, kPixelsOfCell, kMostPixelsOfSum));
}

// rows: [5, C]
NormTable table_of(const at::Tensor& rows) {
  float* const row = rows.mutable_data_ptr<float>();
  const int64_t channels = rows.size(1);
  return {row, row + channels, row + 2 * channels, row + 3 * channels, row + 4 * channels};
}

at::Tensor factors_of(const NormKernels& kernels, const at::Tensor& x,
                      const NormParameters& parameters, const NormMoments& moments,
                      const at::Tensor& measured) {
  const int64_t channels = x.size(1);
  const at::Tensor rows = at::empty({5, channels}, moments.mean.options());
  const NormFactors cells{moments.mean.const_data_ptr<float>(),
                          moments.inverse.const_data_ptr<float>(),
                          parameters.weight.const_data_ptr<float>(),
                          parameters.bias.const_data_ptr<float>(),
                          table_of(rows),
                          measured.defined() ? measured.mutable_data_ptr<float>() : nullptr,
                          channels,
                          static_cast<double>(x.numel() / channels),
                          static_cast<float>(parameters.epsilon)};
  kernels.factors(cells, channels);
  return rows;
}

// Cells read 16 bytes at a time.
bool is_aligned(const at::Tensor& t) {
  return reinterpret_cast<uintptr_t>(t.const_data_ptr()) % alignof(ChannelsOfCell<float>) == 0;
}

// run(its kernels, a value of x's type)
template <typename Run>
void with_kernels_of(const NormKernels& kernels, const at::Tensor& x, const Run& run) {
  if (x.scalar_type() == at::kBFloat16) {
    run(kernels.of_bfloat16, at::BFloat16());
  } else {
    run(kernels.of_float, float());
  }
}

}  // namespace

bool norm_silu_applies(const at::Tensor& x, const NormParameters& parameters) {
  const bool type_fits = x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16;
  return parameters.silu && type_fits && parameters.weight.scalar_type() == at::kFloat &&
         x.dim() == 4 && x.numel() > 0 && x.size(1) % kChannelsOfCell == 0 &&
         x.is_contiguous(at::MemoryFormat::ChannelsLast) && is_aligned(x);
}

at::Tensor norm_silu_forward(const NormKernels& kernels, const at::Tensor& x,
                             const NormParameters& parameters, const NormMoments& moments,
                             const at::Tensor& measured) {
  const at::Tensor rows = factors_of(kernels, x, parameters, moments, measured);
  const at::Tensor y = at::empty_like(x, x.options(), at::MemoryFormat::ChannelsLast);
  const NormImage image = image_of(x, kPixelsOfCell);
  with_kernels_of(kernels, x, [&](const auto& of_image, auto value) {
    using Value = decltype(value);
    const NormSilu<Value> cells{x.const_data_ptr<Value>(), y.mutable_data_ptr<Value>(),
                                table_of(rows), image};
    of_image.forward(cells, image.num_cells());
  });
  return y;
}

NormGradients norm_silu_backward(const NormKernels& kernels, const at::Tensor& x,
                                 const at::Tensor& grad, const NormParameters& parameters,
                                 const NormMoments& moments) {
  const int64_t channels = x.size(1);
  const at::Tensor rows = factors_of(kernels, x, parameters, moments, {});
  const NormTable table = table_of(rows);
  at::Tensor slopes = grad.contiguous(at::MemoryFormat::ChannelsLast);
  if (!is_aligned(slopes)) slopes = slopes.clone();
  const NormImage image = image_of(x, kPixelsOfCell), summed = summed_image_of(x);
  const at::Tensor parts = at::empty({summed.slices, 2, channels}, moments.mean.options());
  const NormGradients gradients{at::empty_like(x, x.options(), at::MemoryFormat::ChannelsLast),
                                at::empty_like(parameters.weight, at::MemoryFormat::Contiguous),
                                at::empty_like(parameters.bias, at::MemoryFormat::Contiguous)};
  with_kernels_of(kernels, x, [&](const auto& of_image, auto value) {
    using Value = decltype(value);
    const auto *const from = x.const_data_ptr<Value>(), *const by = slopes.const_data_ptr<Value>();
    of_image.gradient_sums({from, by, table, parts.mutable_data_ptr<float>(), summed},
                           summed.num_cells());
    const at::Tensor sums = parts.sum(at::IntArrayRef{0}, false, at::kDouble);
    kernels.shares(
        {sums.const_data_ptr<double>(), moments.inverse.const_data_ptr<float>(), table,
         gradients.weight.mutable_data_ptr<float>(), gradients.bias.mutable_data_ptr<float>(),
         channels, static_cast<double>(image.pixels)},
        channels);
    of_image.backward({from, by, gradients.x.mutable_data_ptr<Value>(), table, image},
                      image.num_cells());
  });
  return gradients;
}

}  // namespace cocola
