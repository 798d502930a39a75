// The world: ranks that compute one step together. A world of one is an ordinary case.
#pragma once
#include <ATen/core/Tensor.h>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace cocola {

// Tensors are contiguous, of type float32, float64, int64 or uint8.
//
// Collective: every rank calls every method in the same order, with equal shapes and types;
//             blocking for host tensors, queued on the current CUDA stream for device tensors.
//             Main thread only.
// Throws:     Error naming operation, rank and cause: unequal calls (host tensors), or a deadline
//             that passes because a rank hangs. A device collective that hangs after it was queued
//             ends the process with a line on standard error, since the caller may be blocked.
class Communicator {
 public:
  Communicator() = default;
  virtual ~Communicator() = default;
  Communicator(const Communicator&) = delete;
  Communicator& operator=(const Communicator&) = delete;

  virtual int64_t rank() const = 0;
  virtual int64_t world_size() const = 0;
  // Rank among the processes of this host: chooses the GPU.
  virtual int64_t local_rank() const = 0;
  virtual int64_t local_size() const = 0;

  // local [n, ...] on every rank -> [world_size * n, ...], blocks in rank order.
  virtual at::Tensor all_gather(const at::Tensor& local) = 0;
  // Replaces tensor by its sum over ranks; all ranks get the same bytes. For host tensors the
  // additions form a fixed binary tree over the ranks.
  virtual void all_reduce_sum(at::Tensor tensor) = 0;
  // Replaces tensor by rank 0's.
  virtual void broadcast(at::Tensor tensor) = 0;
  virtual void barrier() = 0;
  // A barrier with a deadline of its own, after work that takes ranks unequally long.
  virtual void barrier_within(double timeout_seconds) = 0;
  // Puts what the current CUDA stream has to do under the deadline: collectives in a recording are
  // not seen when they are played.
  virtual void watch_queued(const char* /*operation*/) {}

  bool is_rank_zero() const { return rank() == 0; }
};

struct CommConfig {
  // A collective that takes longer than this many seconds is a hung rank. Range [1, 86400].
  double timeout_seconds = 120.0;

  void validate() const;
  bool operator==(const CommConfig&) const = default;
};

// A world of one, for tensors of any device, whatever launched the process.
std::unique_ptr<Communicator> open_solo_world();

// The world this process was started in, for host tensors: solo without a launcher, MPI under
// mpirun or srun. MPI is initialised here, unless it was before, and then finalised when the
// communicator is destroyed in good order; after a failure call abort_world instead.
// Collective: every rank.
// Throws:     Error when a launcher's environment says N ranks but MPI sees another number (srun
//             without its PMIx).
std::unique_ptr<Communicator> open_host_world(const CommConfig& config);

// The same world for CUDA tensors (NCCL, bootstrapped over `host`); a world of one needs no NCCL.
// COCOLA_SHARE_GPU=1 in the environment lets ranks share a GPU: slow, for tests only.
// Requires:   host outlives the result; cudaSetDevice(gpu_of(host, ...)) is done here.
// Collective: every rank.
// Throws:     Error when there are more local ranks than GPUs (both numbers named), or when this
//             build has no NCCL.
std::unique_ptr<Communicator> open_device_world(Communicator& host, const CommConfig& config);
// 0 without a GPU, a driver, or CUDA in this build.
int64_t num_cuda_devices();

// The GPU of this rank, in [0, num_gpus): its local rank, or that modulo num_gpus where ranks may
// share a GPU. Throws: Error when there are more local ranks than GPUs (both numbers named).
int64_t gpu_of(const Communicator& world, int64_t num_gpus);
// COCOLA_SHARE_GPU=1 is in the environment.
bool ranks_may_share_gpu();

// Ends every rank of the job after a failure on this one. Does not return in a world of several
// ranks.
void abort_world(int status);

// The text of every rank, in rank order. Collective over `world`, which moves host tensors.
std::vector<std::string> gather_texts(Communicator& world, const std::string& text);

// How many ranks, this one included, pass the same text. Collective over `world`, which moves host
// tensors.
int64_t count_ranks_with(Communicator& world, const std::string& text);

// Collective over `world`, which moves host tensors: throws Error on every rank, naming a differing
// rank and the first line that differs, unless `text` is equal everywhere.
void require_equal_everywhere(Communicator& world, const std::string& what,
                              const std::string& text);

}  // namespace cocola
