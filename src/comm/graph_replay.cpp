#include <ATen/cuda/CUDAGraph.h>
#include <c10/core/Event.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include "comm/backends.h"

namespace cocola {
namespace {

// Libraries choose algorithms and make workspaces in the first runs, NCCL its connections.
constexpr int kRunsBeforeRecording = 3;

class GraphReplay final : public Replay {
 public:
  explicit GraphReplay(c10::Device device)
      : stream_(c10::cuda::getStreamFromPool(/*isHighPriority=*/false, device.index())) {}

  void run(const std::function<void()>& work) override {
    if (!graph_ && num_runs_++ < kRunsBeforeRecording) {
      run_beside(work);
      return;
    }
    if (!graph_) record(work);
    graph_->replay();
  }

 private:
  // On the stream of the recording: handles and workspaces belong to a stream.
  void run_beside(const std::function<void()>& work) {
    const c10::cuda::CUDAStream current = c10::cuda::getCurrentCUDAStream(stream_.device_index());
    c10::Event before(c10::kCUDA), after(c10::kCUDA);
    before.record(current.unwrap());
    before.block(stream_.unwrap());
    {
      const c10::cuda::CUDAStreamGuard on(stream_);
      work();
    }
    after.record(stream_.unwrap());
    after.block(current.unwrap());
  }

  void record(const std::function<void()>& work) {
    // A graph has memory of its own: what the runs before it took is given back first.
    c10::cuda::device_synchronize();
    c10::cuda::CUDACachingAllocator::emptyCache();
    const c10::cuda::CUDAStreamGuard on(stream_);
    auto graph = std::make_unique<at::cuda::CUDAGraph>();
    // Other threads, those of the loader and of NCCL, go on pinning memory and asking for events.
    graph->capture_begin({0, 0}, cudaStreamCaptureModeThreadLocal);
    try {
      work();
    } catch (...) {
      try {
        graph->capture_end();
      } catch (const c10::Error&) {  // the first error says why
      }
      throw;
    }
    graph->capture_end();
    graph_ = std::move(graph);
  }

  c10::cuda::CUDAStream stream_;
  int num_runs_ = 0;
  std::unique_ptr<at::cuda::CUDAGraph> graph_;
};

}  // namespace

std::unique_ptr<Replay> make_graph_replay(c10::Device device) {
  return std::make_unique<GraphReplay>(device);
}

}  // namespace cocola
