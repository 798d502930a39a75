#include "training/reproducibility.h"

#include <ATen/Context.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cstdlib>

#include "objective/tree_sum.h"

namespace cocola {

void set_determinism(Reproducibility level) {
  at::Context& context = at::globalContext();
  if (level == Reproducibility::fast) {
    context.setBenchmarkCuDNN(true);
    return;
  }
  context.setDeterministicAlgorithms(true, false);
  // Would fill every new tensor, against a kind of error that this does not look for.
  context.setDeterministicFillUninitializedMemory(false);
  context.setDeterministicCuDNN(true);
  context.setBenchmarkCuDNN(false);
  setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", 0);
  // Algorithm and protocol are otherwise chosen by size and place, and decide the order of sums.
  setenv("NCCL_ALGO", "Ring", 0);
  setenv("NCCL_PROTO", "Simple", 0);
  setenv("NCCL_NVLS_ENABLE", "0", 0);
}

int64_t operation_threads(const TrainingConfig& config, int64_t share) {
  if (config.threads_per_rank > 0) return config.threads_per_rank;
  return config.is_invariant() ? 1 : share;
}

void all_reduce_in_tree(Communicator& world, at::Tensor tensor) {
  if (world.world_size() == 1) return;
  constexpr int64_t kGatheredElements = int64_t{16} << 20;
  const at::NoGradGuard no_grad;
  const at::Tensor flat = tensor.view({-1});
  const int64_t piece = std::max<int64_t>(1, kGatheredElements / world.world_size());
  for (int64_t start = 0; start < flat.numel(); start += piece) {
    const at::Tensor part = flat.narrow(0, start, std::min(piece, flat.numel() - start));
    TreeSum sum;
    for (const at::Tensor& theirs : world.all_gather(part).chunk(world.world_size())) {
      sum.add(theirs);
    }
    part.copy_(sum.take());
  }
}

}  // namespace cocola
