// A world of GPUs for tests that were written for host tensors: these travel over the device.
#pragma once
#include "comm/communicator.h"

namespace cocola::testing {

class ThroughDevice final : public Communicator {
 public:
  ThroughDevice(Communicator& world, at::Device device) : world_(world), device_(device) {}
  int64_t rank() const override { return world_.rank(); }
  int64_t world_size() const override { return world_.world_size(); }
  int64_t local_rank() const override { return world_.local_rank(); }
  int64_t local_size() const override { return world_.local_size(); }
  at::Tensor all_gather(const at::Tensor& local) override {
    return world_.all_gather(local.to(device_)).to(local.device());
  }
  void all_reduce_sum(at::Tensor tensor) override {
    in_place(tensor, [&](const at::Tensor& moved) { world_.all_reduce_sum(moved); });
  }
  void broadcast(at::Tensor tensor) override {
    in_place(tensor, [&](const at::Tensor& moved) { world_.broadcast(moved); });
  }
  void barrier() override { world_.barrier(); }
  void barrier_within(double timeout_seconds) override { world_.barrier_within(timeout_seconds); }

 private:
  template <typename Action>
  void in_place(const at::Tensor& tensor, const Action& action) {
    const at::Tensor moved = tensor.to(device_);
    action(moved);
    if (!moved.is_same(tensor)) tensor.copy_(moved);
  }

  Communicator& world_;
  at::Device device_;
};

}  // namespace cocola::testing
