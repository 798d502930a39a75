#include "comm/replay.h"

#include "comm/backends.h"

namespace cocola {
namespace {

class Repetition final : public Replay {
 public:
  void run(const std::function<void()>& work) override { work(); }
};

}  // namespace

std::unique_ptr<Replay> open_replay(c10::Device device) {
  if (device.is_cuda()) return make_graph_replay(device);
  return std::make_unique<Repetition>();
}

}  // namespace cocola
