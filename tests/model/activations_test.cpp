#include "model/activations.h"

#include <ATen/TensorOperators.h>
#include <ATen/autocast_mode.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/rand.h>
#include <gtest/gtest.h>

#include "model/cocola_model.h"
#include "support/counting_allocator.h"

namespace cocola {
namespace {

using testing::CountingAllocator;

struct Case {
  const char* name;
  double width, depth;
  int64_t in_channels, frames;
  bool bf16;
};

class Activations : public ::testing::TestWithParam<Case> {
  testing::CountedTensors counted_;
};

// Bytes that a training pass of `rows` windows keeps until its backward pass.
double kept_bytes(const Case& c, int64_t rows) {
  ModelConfig config;
  config.width = c.width;
  config.depth = c.depth;
  const CocolaModel model(config, c.in_channels, 1);
  const at::Tensor features = at::rand({rows, c.in_channels, 64, c.frames}) * -80.0;
  EncoderCall call;
  call.training = true;
  at::autocast::set_autocast_enabled(at::kCPU, c.bf16);
  const size_t before = CountingAllocator::live();
  const at::Tensor embedding = model.embed(features, call);
  const size_t kept = CountingAllocator::live() - before;
  at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(at::kCPU, false);
  return static_cast<double>(kept);
}

TEST_P(Activations, AreWhatAForwardPassReallyKeeps) {
  const Case& c = GetParam();
  ModelConfig config;
  config.width = c.width;
  config.depth = c.depth;
  const double expected =
      static_cast<double>(saved_values_per_window(config, c.in_channels, 64, c.frames)) *
      (c.bf16 ? 2.0 : 4.0);
  // The difference of two sizes: what does not grow with the windows drops out.
  const double found = (kept_bytes(c, 6) - kept_bytes(c, 2)) / 4.0;
  RecordProperty("estimate_over_count", std::to_string(expected / found));
  EXPECT_NEAR(expected / found, 1.0, 0.05);
}

INSTANTIATE_TEST_SUITE_P(Networks, Activations,
                         ::testing::Values(Case{"Published", 1.0, 1.0, 2, 501, false},
                                           Case{"Bfloat16", 1.0, 1.0, 2, 501, true},
                                           Case{"Mel", 1.0, 1.0, 1, 501, false},
                                           Case{"Narrow", 0.5, 0.4, 2, 201, false}),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace cocola
