// Runs an arithmetic that is written for one cell, for all cells on a GPU.
#pragma once
#include <c10/cuda/CUDAStream.h>
#include <cuda_runtime_api.h>

#include <cstdint>

#include "base/error.h"

namespace cocola {

inline constexpr int kThreadsPerBlock = 128;

template <typename Cells>
__global__ void each_cell(Cells cells, int64_t n) {
  const int64_t i = static_cast<int64_t>(blockIdx.x) * kThreadsPerBlock + threadIdx.x;
  if (i < n) cells(i);
}

// Every cell i < n once, queued on the current stream of the current device.
template <typename Cells>
void run_cells(const Cells& cells, int64_t n) {
  if (n == 0) return;
  const auto num_blocks = static_cast<unsigned>((n + kThreadsPerBlock - 1) / kThreadsPerBlock);
  each_cell<<<num_blocks, kThreadsPerBlock, 0, c10::cuda::getCurrentCUDAStream().stream()>>>(cells,
                                                                                             n);
  const cudaError_t error = cudaGetLastError();
  if (error != cudaSuccess) fail("gpu", "the GPU refused: {}", cudaGetErrorString(error));
}

}  // namespace cocola
