#include "training/skipped_step.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/full.h>
#include <fmt/ranges.h>

namespace cocola {

std::vector<int64_t> broken_windows(const Batch& batch, Communicator& host) {
  const at::Tensor found = at::full({batch.anchors.size(0)}, int64_t{-1}, at::kLong);
  for (int64_t i = 0; i < found.size(0); ++i) {
    const bool sound = batch.anchors[i].isfinite().all().item<bool>() &&
                       batch.positives[i].isfinite().all().item<bool>();
    if (!sound) found[i] = batch.window_ids[static_cast<size_t>(i)];
  }
  const at::Tensor all = host.all_gather(found);
  const int64_t* const first = all.const_data_ptr<int64_t>();
  std::vector<int64_t> windows(first, first + all.numel());
  std::erase(windows, -1);
  return windows;
}

std::string describe_skipped_step(int64_t step, const StepReport& report, const Batch& batch,
                                  Communicator& host) {
  const std::vector<int64_t> windows = broken_windows(batch, host);
  const std::string cause = windows.empty() ? "the features of its windows are finite"
                                            : fmt::format("features that are not finite: window {}",
                                                          fmt::join(windows, ", "));
  return fmt::format("step {} is not finite (loss {}, gradient norm {}) and changed nothing; {}",
                     step, report.loss, report.gradient_norm, cause);
}

}  // namespace cocola
