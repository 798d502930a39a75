#include <ATen/core/Tensor.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <c10/cuda/CUDAStream.h>
#include <cuda_runtime_api.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nccl.h>
#include <sched.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <exception>
#include <mutex>
#include <span>
#include <thread>

#include "base/error.h"
#include "comm/backends.h"

namespace cocola {
namespace {

using Clock = std::chrono::steady_clock;

// Opening a world may have to wait for ranks that still load their libraries.
constexpr double kOpenSeconds = 300.0;

void check_cuda(cudaError_t status, const char* operation) {
  if (status != cudaSuccess) {
    fail("comm", "{}: CUDA says: {}", operation, cudaGetErrorString(status));
  }
}

// Watches queued collectives from a thread of its own: the main thread may wait for a GPU that
// waits for a dead rank, and only the end of the process frees it. Never calls MPI.
class Watchdog {
 public:
  Watchdog(ncclComm_t comm, int device, int64_t rank, double timeout_seconds)
      : comm_(comm),
        device_(device),
        rank_(rank),
        timeout_seconds_(timeout_seconds),
        thread_([this](const std::stop_token& stop) { run(stop); }) {}

  void watch(const char* operation, cudaStream_t stream) {
    cudaStreamCaptureStatus capture = cudaStreamCaptureStatusNone;
    check_cuda(cudaStreamIsCapturing(stream, &capture), operation);
    if (capture != cudaStreamCaptureStatusNone) return;  // not queued yet, only recorded
    cudaEvent_t done = nullptr;
    check_cuda(cudaEventCreateWithFlags(&done, cudaEventDisableTiming), operation);
    check_cuda(cudaEventRecord(done, stream), operation);
    const std::lock_guard lock(mutex_);
    queued_.push_back({operation, done, Clock::now()});
  }

 private:
  struct Collective {
    const char* operation;
    cudaEvent_t done;
    Clock::time_point since;
  };

  void run(const std::stop_token& stop) {
    cudaSetDevice(device_);
    // Queries of this thread must not disturb a graph that the main thread records.
    cudaStreamCaptureMode mode = cudaStreamCaptureModeRelaxed;
    cudaThreadExchangeStreamCaptureMode(&mode);
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
      forget_finished();
      if (!queued_.empty() &&
          Clock::now() - queued_.front().since > std::chrono::duration<double>(timeout_seconds_)) {
        end_process(queued_.front().operation,
                    fmt::format("it did not end within {:g} s: a rank hangs or has ended",
                                timeout_seconds_));
      }
      ncclResult_t state = ncclSuccess;
      ncclCommGetAsyncError(comm_, &state);
      if (state != ncclSuccess && state != ncclInProgress) {
        end_process("a collective", fmt::format("NCCL says: {}", ncclGetErrorString(state)));
      }
      wake_.wait_for(lock, stop, std::chrono::milliseconds(100), [] { return false; });
    }
    for (const Collective& c : queued_) cudaEventDestroy(c.done);
  }

  void forget_finished() {
    while (!queued_.empty() && cudaEventQuery(queued_.front().done) != cudaErrorNotReady) {
      cudaEventDestroy(queued_.front().done);
      queued_.pop_front();
    }
  }

  [[noreturn]] void end_process(const std::string& operation, const std::string& cause) const {
    std::fputs(fmt::format("[comm] {} on rank {}: {}\n", operation, rank_, cause).c_str(), stderr);
    _exit(1);
  }

  ncclComm_t comm_;
  int device_;
  int64_t rank_;
  double timeout_seconds_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::deque<Collective> queued_;
  std::jthread thread_;  // last: starts when all else is there, joins before anything goes
};

ncclDataType_t nccl_type(at::ScalarType type) {
  switch (type) {
    case at::kFloat:
      return ncclFloat32;
    case at::kDouble:
      return ncclFloat64;
    case at::kLong:
      return ncclInt64;
    default:
      return ncclUint8;  // the last one that require_collective_tensor lets pass
  }
}

class NcclCommunicator final : public Communicator {
 public:
  NcclCommunicator(Communicator& host, const CommConfig& config, int device)
      : host_(host), timeout_seconds_(kOpenSeconds), device_(device) {
    require_one_nccl();
    const ncclUniqueId id = share_unique_id();
    ncclConfig_t settings = NCCL_CONFIG_INITIALIZER;
    settings.blocking = 0;
    check(ncclCommInitRankConfig(&comm_, static_cast<int>(world_size()), id,
                                 static_cast<int>(rank()), &settings),
          "opening the world of GPUs");
    watchdog_ = std::make_unique<Watchdog>(comm_, device, rank(), kOpenSeconds);
    prove_order_and_sum();
    timeout_seconds_ = config.timeout_seconds;
    watchdog_ = std::make_unique<Watchdog>(comm_, device, rank(), timeout_seconds_);
  }

  ~NcclCommunicator() override {
    watchdog_.reset();
    // While an exception leaves this rank the others may never finish what is queued.
    bool orderly = !failed_ && std::uncaught_exceptions() <= exceptions_at_start_;
    if (orderly) {
      try {
        check(ncclCommFinalize(comm_), "closing the world of GPUs");
      } catch (const Error&) {
        orderly = false;
      }
    }
    if (orderly) {
      ncclCommDestroy(comm_);
    } else {
      ncclCommAbort(comm_);
    }
  }

  int64_t rank() const override { return host_.rank(); }
  int64_t world_size() const override { return host_.world_size(); }
  int64_t local_rank() const override { return host_.local_rank(); }
  int64_t local_size() const override { return host_.local_size(); }

  at::Tensor all_gather(const at::Tensor& local) override {
    require_gatherable_tensor(local, c10::DeviceType::CUDA);
    at::Tensor result = empty_for_gather(local, world_size());
    queue("all_gather", [&](cudaStream_t stream) {
      return ncclAllGather(local.const_data_ptr(), result.mutable_data_ptr(), count(local),
                           nccl_type(local.scalar_type()), comm_, stream);
    });
    return result;
  }

  void all_reduce_sum(at::Tensor tensor) override {
    require_collective_tensor("all_reduce_sum", tensor, c10::DeviceType::CUDA);
    queue("all_reduce_sum", [&](cudaStream_t stream) {
      void* const data = tensor.mutable_data_ptr();
      return ncclAllReduce(data, data, count(tensor), nccl_type(tensor.scalar_type()), ncclSum,
                           comm_, stream);
    });
  }

  void broadcast(at::Tensor tensor) override {
    require_collective_tensor("broadcast", tensor, c10::DeviceType::CUDA);
    queue("broadcast", [&](cudaStream_t stream) {
      void* const data = tensor.mutable_data_ptr();
      return ncclBroadcast(data, data, count(tensor), nccl_type(tensor.scalar_type()), 0, comm_,
                           stream);
    });
  }

  void barrier() override {
    check_cuda(cudaStreamSynchronize(current_stream()), "barrier");
    host_.barrier();
  }

  void barrier_within(double timeout_seconds) override {
    check_cuda(cudaStreamSynchronize(current_stream()), "barrier");
    host_.barrier_within(timeout_seconds);
  }

  void watch_queued(const char* operation) override {
    watchdog_->watch(operation, current_stream());
  }

 private:
  static size_t count(const at::Tensor& tensor) { return static_cast<size_t>(tensor.numel()); }

  cudaStream_t current_stream() const {
    return c10::cuda::getCurrentCUDAStream(static_cast<c10::DeviceIndex>(device_)).stream();
  }

  // Starts a collective on the current stream and puts it under the watchdog.
  template <typename Start>
  void queue(const char* operation, const Start& start) {
    const cudaStream_t stream = current_stream();
    check(start(stream), operation);
    watchdog_->watch(operation, stream);
  }

  // NCCL answers "in progress" at once; waits until it is done with its part on the host.
  void check(ncclResult_t status, const char* operation) {
    const auto deadline = Clock::now() + std::chrono::duration<double>(timeout_seconds_);
    while (status == ncclInProgress && Clock::now() < deadline) {
      sched_yield();
      const ncclResult_t answer = ncclCommGetAsyncError(comm_, &status);
      if (answer != ncclSuccess) status = answer;
    }
    if (status == ncclSuccess) return;
    failed_ = true;
    if (status == ncclInProgress) {
      fail("comm", "{} on rank {} of {}: not done within {:g} s; a rank hangs or has ended",
           operation, rank(), world_size(), timeout_seconds_);
    }
    fail("comm", "{} on rank {} of {}: NCCL says: {}: {}", operation, rank(), world_size(),
         ncclGetErrorString(status), ncclGetLastError(comm_));
  }

  void require_one_nccl() {
    int version = 0;
    check(ncclGetVersion(&version), "ncclGetVersion");
    if (version != NCCL_VERSION_CODE) {
      fail("comm",
           "built for NCCL {}, but version {} was loaded; remove other copies of libnccl.so.2 from "
           "the library path",
           NCCL_VERSION_CODE, version);
    }
    require_equal_everywhere(host_, "NCCL version", fmt::format("{}", version));
  }

  ncclUniqueId share_unique_id() {
    ncclUniqueId id{};
    if (is_rank_zero()) check(ncclGetUniqueId(&id), "ncclGetUniqueId");
    const at::Tensor bytes = at::empty({static_cast<int64_t>(sizeof id)}, at::kByte);
    std::memcpy(bytes.mutable_data_ptr(), &id, sizeof id);
    host_.broadcast(bytes);
    std::memcpy(&id, bytes.const_data_ptr(), sizeof id);
    return id;
  }

  // Everything above relies on rank order: a rank's own rows start at rank * rows.
  void prove_order_and_sum() {
    const at::Tensor mine =
        at::full({1}, rank(), at::TensorOptions(at::kLong).device(at::kCUDA, device_));
    const at::Tensor ranks = all_gather(mine).cpu();
    all_reduce_sum(mine);
    const int64_t sum = mine.item<int64_t>(), expected = world_size() * (world_size() - 1) / 2;
    if (!ranks.equal(at::arange(world_size(), at::kLong)) || sum != expected) {
      failed_ = true;
      fail("comm",
           "GPUs gathered the ranks as {} with sum {} on rank {} of {}; expected ascending order "
           "from 0 and {}; check the GPUs and their links",
           fmt::join(std::span(ranks.const_data_ptr<int64_t>(), count(ranks)), " "), sum, rank(),
           world_size(), expected);
    }
  }

  Communicator& host_;
  double timeout_seconds_;
  int device_;
  bool failed_ = false;
  int exceptions_at_start_ = std::uncaught_exceptions();
  ncclComm_t comm_ = nullptr;
  std::unique_ptr<Watchdog> watchdog_;
};

// For tests of several ranks on one GPU: NCCL 2.28 refuses that within one host, so each rank poses
// as a host of its own, reached through loopback.
void pose_as_own_host(int64_t rank) {
  setenv("NCCL_HOSTID", fmt::format("cocola-rank-{}", rank).c_str(), 1);
  setenv("NCCL_SOCKET_IFNAME", "lo", 0);
  setenv("NCCL_IB_DISABLE", "1", 0);
  setenv("NCCL_P2P_DISABLE", "1", 0);
  setenv("NCCL_SHM_DISABLE", "1", 0);
}

}  // namespace

std::unique_ptr<Communicator> open_device_world(Communicator& host, const CommConfig& config) {
  config.validate();
  const auto device = static_cast<int>(gpu_of(host, num_cuda_devices()));
  if (ranks_may_share_gpu()) pose_as_own_host(host.rank());
  check_cuda(cudaSetDevice(device), "cudaSetDevice");
  if (host.world_size() == 1) return open_solo_world();
  return std::make_unique<NcclCommunicator>(host, config, device);
}

int64_t num_cuda_devices() {
  int num_devices = 0;
  if (cudaGetDeviceCount(&num_devices) == cudaSuccess) return num_devices;
  cudaGetLastError();  // without a driver there is nothing to report later either
  return 0;
}

}  // namespace cocola
