#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <c10/cuda/CUDAGuard.h>
#include <cuda_runtime_api.h>

#include "base/error.h"
#include "base/run_cells.cuh"
#include "features/front_end_kernels.h"
#include "features/hpss_cuda.h"
#include "features/soft_mask.h"

namespace cocola {
namespace {

// Turns the two medians of each cell into the two parts, in place.
struct Parts {
  const float* magnitude;
  float *harmonic, *percussive;

  constexpr void operator()(int64_t i) const {
    const SoftMasks masks = soft_masks(harmonic[i], percussive[i]);
    harmonic[i] = magnitude[i] * masks.harmonic;
    percussive[i] = magnitude[i] * masks.percussive;
  }
};

struct Magnitudes {
  const c10::complex<double>* spectrum;
  float* magnitude;

  __device__ void operator()(int64_t i) const {
    const double re = spectrum[i].real(), im = spectrum[i].imag();
    magnitude[i] = static_cast<float>(sqrt(re * re + im * im));
  }
};

at::Tensor magnitude_of(const at::Tensor& spectrum) {
  const at::Tensor cells = spectrum.contiguous();
  const at::Tensor out = at::empty(cells.sizes(), cells.options().dtype(at::kFloat));
  run_cells(Magnitudes{cells.const_data_ptr<c10::complex<double>>(), out.data_ptr<float>()},
            cells.numel());
  return out;
}

// in is contiguous [batch, rows, columns].
at::Tensor medians_of_rows(const at::Tensor& in) {
  const at::Tensor out = at::empty_like(in);
  const MediansOfRows cells{in.const_data_ptr<float>(), out.data_ptr<float>(), in.size(1),
                            in.size(2)};
  run_cells(cells, in.size(0) * cells.runs() * cells.columns);
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
  const at::Tensor cells = magnitude.contiguous();
  if (cells.numel() == 0) return {at::empty_like(cells), at::empty_like(cells)};
  const at::Tensor harmonic = medians_of_rows(cells);
  const at::Tensor percussive =
      medians_of_rows(cells.transpose(1, 2).contiguous()).transpose(1, 2).contiguous();
  run_cells(Parts{cells.const_data_ptr<float>(), harmonic.data_ptr<float>(),
                  percussive.data_ptr<float>()},
            cells.numel());
  return {harmonic, percussive};
}

FrontEndKernels cuda_front_end_kernels() {
  return {run_cells<TaperedFrames>, run_cells<MediansOfRows>, run_cells<MelLevels>, magnitude_of};
}

bool can_run_hpss_cuda() {
  int count = 0;
  return cudaGetDeviceCount(&count) == cudaSuccess && count > 0;
}

}  // namespace cocola
