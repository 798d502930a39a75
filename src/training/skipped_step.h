// Why a step was left out.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "batches/batch.h"
#include "comm/communicator.h"
#include "training/train_step.h"

namespace cocola {

// Windows of a step with a feature that is not finite, in the order of the step.
// Collective: every rank, with its slice; `host` moves host tensors.
std::vector<int64_t> broken_windows(const Batch& batch, Communicator& host);

// One line for people about a step that is not finite. Collective: as above.
std::string describe_skipped_step(int64_t step, const StepReport& report, const Batch& batch,
                                  Communicator& host);

}  // namespace cocola
