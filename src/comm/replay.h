// Work of a device that is done again and again on the same memory.
#pragma once
#include <c10/core/Device.h>

#include <functional>
#include <memory>

namespace cocola {

// On a GPU the work is done a few times as it is, which lets every library prepare what it needs,
// then recorded as a CUDA graph, and from then on played: one launch instead of a thousand. On the
// CPU it is done each time.
class Replay {
 public:
  Replay() = default;
  virtual ~Replay() = default;
  Replay(const Replay&) = delete;
  Replay& operator=(const Replay&) = delete;

  // Does `work`, for use on the current stream.
  // Requires: the same work each time, queued on the current stream alone: it reads nothing back,
  //           and what it reads and writes lies where it lay before. Tensors that it leaves are
  //           written anew by each run.
  // Collective: every rank, when the work is; the communicator must outlive this object.
  virtual void run(const std::function<void()>& work) = 0;
};

// Throws: Error for a GPU when this build has no CUDA.
std::unique_ptr<Replay> open_replay(c10::Device device);

}  // namespace cocola
