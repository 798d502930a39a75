#include <ATen/core/Tensor.h>
#include <ATen/ops/empty_like.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <cuda_runtime_api.h>

#include "base/error.h"
#include "features/hpss_cuda.h"
#include "features/soft_mask.h"
#include "features/split_sorted_median.h"

namespace cocola {
namespace {

constexpr int kThreads = 128;

// A thread is one lane: neighbouring threads filter neighbouring columns.
struct OneLane {
  using Vector = float;
  static constexpr int kCount = 1;
  static constexpr float load(const float* from) { return *from; }
  static constexpr void store(float* to, float value) { *to = value; }
  static constexpr float min(float a, float b) { return a < b ? a : b; }
  static constexpr float max(float a, float b) { return a > b ? a : b; }
  static constexpr float infinity() { return __builtin_inff(); }
};

// Medians of 31 along the rows axis of [batch, rows, columns]; a thread does a block of rows of a
// column.
__global__ void median_along_rows(const float* in, float* out, int64_t batch, int64_t rows,
                                  int64_t columns) {
  const int64_t blocks = (rows + kBlock - 1) / kBlock;
  const int64_t index = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (index >= batch * blocks * columns) return;
  const int64_t first = index / columns % blocks * kBlock;
  const int64_t column = index / columns / blocks * rows * columns + index % columns;
  float sorted[kBlock * kHalf];
  const auto input = [&](int64_t i) {
    return in[column + mirrored(first + i - kHalf + 1, rows) * columns];
  };
  const auto output = [&](int64_t j, float median) {
    out[column + (first + j) * columns] = median;
  };
  median31_block<OneLane>(input, output, rows - first < kBlock ? rows - first : kBlock, sorted);
}

// Turns the two medians of each cell into the two parts, in place.
__global__ void mask(const float* magnitude, float* harmonic, float* percussive, int64_t cells) {
  const int64_t i = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (i >= cells) return;
  const SoftMasks masks = soft_masks(harmonic[i], percussive[i]);
  harmonic[i] = magnitude[i] * masks.harmonic;
  percussive[i] = magnitude[i] * masks.percussive;
}

unsigned num_blocks(int64_t threads) {
  return static_cast<unsigned>((threads + kThreads - 1) / kThreads);
}

// in is contiguous [batch, rows, columns].
at::Tensor medians_of_rows(const at::Tensor& in, cudaStream_t stream) {
  const int64_t batch = in.size(0), rows = in.size(1), columns = in.size(2);
  at::Tensor out = at::empty_like(in);
  const int64_t threads = batch * ((rows + kBlock - 1) / kBlock) * columns;
  median_along_rows<<<num_blocks(threads), kThreads, 0, stream>>>(
      in.const_data_ptr<float>(), out.data_ptr<float>(), batch, rows, columns);
  return out;
}

}  // namespace

HpssParts hpss_cuda(const at::Tensor& magnitude) {
  if (!magnitude.is_cuda() || magnitude.scalar_type() != at::kFloat || magnitude.dim() != 3) {
    fail("hpss", "{} values of type {} in {} dimensions on {}; needed are 3 of float on a GPU",
         magnitude.numel(), c10::toString(magnitude.scalar_type()), magnitude.dim(),
         magnitude.device().str());
  }
  const c10::cuda::CUDAGuard device(magnitude.device());
  const cudaStream_t stream = c10::cuda::getCurrentCUDAStream().stream();
  const at::Tensor cells = magnitude.contiguous();
  if (cells.numel() == 0) return {at::empty_like(cells), at::empty_like(cells)};
  const at::Tensor harmonic = medians_of_rows(cells, stream);
  const at::Tensor percussive =
      medians_of_rows(cells.transpose(1, 2).contiguous(), stream).transpose(1, 2).contiguous();
  mask<<<num_blocks(cells.numel()), kThreads, 0, stream>>>(
      cells.const_data_ptr<float>(), harmonic.data_ptr<float>(), percussive.data_ptr<float>(),
      cells.numel());
  const cudaError_t error = cudaGetLastError();
  if (error != cudaSuccess) fail("hpss", "the GPU refused: {}", cudaGetErrorString(error));
  return {harmonic, percussive};
}

bool can_run_hpss_cuda() {
  int count = 0;
  return cudaGetDeviceCount(&count) == cudaSuccess && count > 0;
}

}  // namespace cocola
