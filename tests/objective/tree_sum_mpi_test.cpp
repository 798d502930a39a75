#include "objective/tree_sum.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/equal.h>
#include <gtest/gtest.h>

#include "comm/mpi_test_world.h"
#include "objective/embeddings.h"

namespace cocola {
namespace {

using testing::test_world;

TEST(WorldTreeSum, SharesOfPowersOfTwoReduceToTheBitsOfOneProcess) {
  const size_t share = 4, world_size = static_cast<size_t>(test_world().world_size());
  const std::vector<at::Tensor> terms =
      testing::uneven_terms(static_cast<int64_t>(share * world_size));
  const size_t first = share * static_cast<size_t>(test_world().rank());
  TreeSum whole, own;
  for (const at::Tensor& term : terms) whole.add(term.clone());
  for (size_t i = first; i < first + share; ++i) own.add(terms[i].clone());
  const at::Tensor sum = own.take();
  test_world().all_reduce_sum(sum);
  EXPECT_TRUE(at::equal(sum, whole.take()));
}

}  // namespace
}  // namespace cocola
