#include "comm/launch_environment.h"

#include <charconv>
#include <initializer_list>
#include <string_view>

#include "base/error.h"

namespace cocola {
namespace {

using Variable = std::function<const char*(const char*)>;

int64_t parse_count(const std::string& name, std::string_view text) {
  int64_t value = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (status != std::errc() || end != text.data() + text.size() || value < 1) {
    fail("comm", "environment variable {}={} is not a number of ranks; expected 1 or more", name,
         text);
  }
  return value;
}

// The first of `names` that is set, as a claim.
LaunchEnvironment claim(const Variable& variable, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    if (const char* text = variable(name)) return {true, parse_count(name, text), name};
  }
  return {true, 0, ""};
}

// Batch scripts also carry SLURM_PROCID=0 and SLURM_NTASKS, but are no step of several tasks.
bool in_slurm_step(const Variable& variable) {
  const char* task = variable("SLURM_PROCID");
  return variable("SLURM_STEP_ID") != nullptr || (task != nullptr && std::string_view(task) != "0");
}

}  // namespace

LaunchEnvironment read_launch_environment(const Variable& variable) {
  // mpirun first: inside a Slurm job its ranks see Slurm's variables too.
  if (variable("OMPI_COMM_WORLD_SIZE")) return claim(variable, {"OMPI_COMM_WORLD_SIZE"});
  const bool has_pmix = variable("PMIX_RANK") != nullptr;
  if (in_slurm_step(variable)) {
    // The step may be smaller than the job whose size SLURM_NTASKS may still tell.
    const LaunchEnvironment step = claim(variable, {"SLURM_STEP_NUM_TASKS", "SLURM_NTASKS"});
    if (has_pmix) return step;
    if (step.claimed_world_size > 1) {
      fail("comm",
           "{}={} ranks were started by srun, but without PMIx each would be an MPI world of 1; "
           "start with `srun --mpi=pmix` or `mpirun`",
           step.claimed_by, step.claimed_world_size);
    }
    return {};
  }
  if (has_pmix || variable("PMI_SIZE")) return claim(variable, {"PMI_SIZE"});
  return {};
}

}  // namespace cocola
