// What the environment says about how this process was started. Pure: decides nothing by itself.
#pragma once
#include <cstdint>
#include <functional>
#include <string>

namespace cocola {

struct LaunchEnvironment {
  // A launcher that MPI can talk to started this process; otherwise it is a world of one.
  bool has_launcher = false;
  // Ranks as the launcher counts them; 0 when it does not say.
  int64_t claimed_world_size = 0;
  // The variable that says so.
  std::string claimed_by;
};

// variable: the value of an environment variable, or nullptr.
// Throws: Error when Slurm started several tasks without the PMIx that MPI needs to find its peers
//         (each task would be a world of its own), or a variable is not a number.
LaunchEnvironment read_launch_environment(const std::function<const char*(const char*)>& variable);

}  // namespace cocola
