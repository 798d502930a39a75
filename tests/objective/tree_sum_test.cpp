#include "objective/tree_sum.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/zeros_like.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "objective/embeddings.h"

namespace cocola {
namespace {

using testing::uneven_terms;

at::Tensor tree_sum(const std::vector<at::Tensor>& terms) {
  TreeSum sum;
  for (const at::Tensor& term : terms) sum.add(term.clone());
  return sum.take();
}

TEST(TreeSum, AddsNeighboursThenNeighbouringPairs) {
  const std::vector<at::Tensor> t = uneven_terms(8);
  EXPECT_TRUE(
      at::equal(tree_sum(t), ((t[0] + t[1]) + (t[2] + t[3])) + ((t[4] + t[5]) + (t[6] + t[7]))));
}

TEST(TreeSum, WhatHasNoNeighbourGoesUpUnchanged) {
  const std::vector<at::Tensor> t = uneven_terms(7);
  EXPECT_TRUE(at::equal(tree_sum({t[0]}), t[0]));
  EXPECT_TRUE(at::equal(tree_sum({t[0], t[1], t[2]}), (t[0] + t[1]) + t[2]));
  EXPECT_TRUE(
      at::equal(tree_sum({t[0], t[1], t[2], t[3], t[4]}), ((t[0] + t[1]) + (t[2] + t[3])) + t[4]));
  EXPECT_TRUE(at::equal(tree_sum(t), ((t[0] + t[1]) + (t[2] + t[3])) + ((t[4] + t[5]) + t[6])));
}

TEST(TreeSum, SharesOfPowersOfTwoGiveTheSameBits) {
  const std::vector<at::Tensor> terms = uneven_terms(24);
  const at::Tensor whole = tree_sum(terms);
  at::Tensor running = at::zeros_like(whole);
  for (const at::Tensor& term : terms) running.add_(term);
  EXPECT_FALSE(at::equal(whole, running)) << "the terms do not tell orders apart";
  for (const size_t share : {1, 2, 4, 8}) {
    std::vector<at::Tensor> parts;
    for (size_t first = 0; first < terms.size(); first += share) {
      parts.push_back(tree_sum({&terms[first], &terms[first] + share}));
    }
    EXPECT_TRUE(at::equal(tree_sum(parts), whole)) << "shares of " << share;
  }
}

TEST(TreeSum, StartsAnewAfterItsSumIsTaken) {
  const std::vector<at::Tensor> terms = uneven_terms(3);
  TreeSum sum;
  EXPECT_THROW(sum.take(), Error);
  for (int round = 0; round < 2; ++round) {
    for (const at::Tensor& term : terms) sum.add(term.clone());
    EXPECT_TRUE(at::equal(sum.take(), tree_sum(terms))) << round;
  }
  EXPECT_THROW(sum.take(), Error);
}

TEST(TreeSum, LivesInTheMemoryOfItsTerms) {
  const std::vector<at::Tensor> terms = uneven_terms(5);
  TreeSum sum;
  const at::Tensor first = terms[0].clone();
  sum.add(first);
  for (size_t i = 1; i < terms.size(); ++i) sum.add(terms[i].clone());
  EXPECT_TRUE(sum.take().is_same(first));
}

}  // namespace
}  // namespace cocola
