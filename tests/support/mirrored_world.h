// A world without other processes, so that one rank's part of a large world can be run alone.
#pragma once
#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>

#include <vector>

#include "comm/communicator.h"

namespace cocola::testing {

// Rank 0 of a world in which every rank holds the same as this one.
class MirroredWorld final : public Communicator {
 public:
  explicit MirroredWorld(int64_t world_size) : world_size_(world_size) {}

  int64_t rank() const override { return 0; }
  int64_t world_size() const override { return world_size_; }
  int64_t local_rank() const override { return 0; }
  int64_t local_size() const override { return world_size_; }

  at::Tensor all_gather(const at::Tensor& local) override {
    std::vector<int64_t> repeats(static_cast<size_t>(local.dim()), 1);
    repeats[0] = world_size_;
    return local.repeat(repeats);
  }
  void all_reduce_sum(at::Tensor tensor) override { tensor.mul_(world_size_); }
  void broadcast(at::Tensor) override {}
  void barrier() override {}
  void barrier_within(double) override {}

 private:
  int64_t world_size_;
};

}  // namespace cocola::testing
