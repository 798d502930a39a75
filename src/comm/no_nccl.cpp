#include "base/error.h"
#include "comm/backends.h"

namespace cocola {

std::unique_ptr<Communicator> open_device_world(Communicator&, const CommConfig&) {
  fail("comm", "this build has no CUDA; configure with -DCOCOLA_CUDA=ON, or train on the CPU");
}

std::unique_ptr<Replay> make_graph_replay(c10::Device) {
  fail("comm", "this build has no CUDA; configure with -DCOCOLA_CUDA=ON, or train on the CPU");
}

int64_t num_cuda_devices() { return 0; }

}  // namespace cocola
