// The back-ends behind the open functions of communicator.h. Private to this folder.
#pragma once
#include <ATen/core/Tensor.h>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "comm/communicator.h"
#include "comm/launch_environment.h"
#include "comm/replay.h"

namespace cocola {

// Throws: Error when MPI's world is not the one the launcher claims.
std::unique_ptr<Communicator> make_mpi_communicator(const CommConfig& config,
                                                    const LaunchEnvironment& launch);

// Throws: Error when this build has no CUDA.
std::unique_ptr<Replay> make_graph_replay(c10::Device device);

// What every collective demands of its tensor: contiguous, on the given kind of device (if one is
// given), of type float32, float64, int64 or uint8. Throws: Error naming operation and fault.
void require_collective_tensor(const char* operation, const at::Tensor& tensor,
                               std::optional<c10::DeviceType> device);
// The same for all_gather, whose result needs a first dimension to grow.
void require_gatherable_tensor(const at::Tensor& tensor, std::optional<c10::DeviceType> device);
// [n, ...] -> an uninitialised [world_size * n, ...] of the same kind.
at::Tensor empty_for_gather(const at::Tensor& local, int64_t world_size);

}  // namespace cocola
