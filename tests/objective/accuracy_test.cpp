#include "objective/accuracy.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/sin.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <limits>
#include <numeric>
#include <vector>

#include "base/error.h"

namespace cocola {
namespace {

// A row i whose positive is beaten by higher[i] negatives and tied by tied[i].
at::Tensor similarity_with(const std::vector<int64_t>& higher, const std::vector<int64_t>& tied) {
  const auto n = static_cast<int64_t>(higher.size());
  const at::Tensor similarity = at::full({n, n}, -1.0, at::kDouble);
  for (int64_t i = 0; i < n; ++i) {
    similarity[i][i] = 0.0;
    for (int64_t j = 0; j < higher[static_cast<size_t>(i)]; ++j) similarity[i][(i + 1 + j) % n] = 1;
    for (int64_t j = 0; j < tied[static_cast<size_t>(i)]; ++j)
      similarity[i][(i + n - 1 - j) % n] = 0;
  }
  return similarity;
}

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

// The definition: every set of k - 1 negatives counts once; ties share the win.
double by_enumeration(const at::Tensor& row, int64_t anchor, int64_t k) {
  const int64_t n = row.numel();
  double won = 0.0;
  int64_t sets = 0;
  for (uint32_t set = 0; set < (1U << n); ++set) {
    if ((set >> anchor & 1U) != 0 || __builtin_popcount(set) != k - 1) continue;
    ++sets;
    int64_t higher = 0, tied = 0;
    for (int64_t j = 0; j < n; ++j) {
      if ((set >> j & 1U) == 0) continue;
      higher += row[j].item<double>() > row[anchor].item<double>();
      tied += row[j].item<double>() == row[anchor].item<double>();
    }
    if (higher == 0) won += 1.0 / static_cast<double>(1 + tied);
  }
  return won / static_cast<double>(sets);
}

TEST(ExpectedAccuracy, KnownRanksGiveKnownAccuracies) {
  const std::vector<int64_t> higher = {0, 0, 1, 2, 5, 9, 3, 3, 3, 3};
  const at::Tensor similarity = similarity_with(higher, std::vector<int64_t>(10, 0));
  EXPECT_NEAR(mean(expected_accuracy_per_anchor(similarity, 2)), 0.677778, 1e-6);
  EXPECT_NEAR(mean(expected_accuracy_per_anchor(similarity, 4)), 0.408333, 1e-6);
  EXPECT_NEAR(mean(expected_accuracy_per_anchor(similarity, 8)), 0.225000, 1e-6);
}

TEST(ExpectedAccuracy, EqualsTheAverageOverAllDraws) {
  const at::Tensor similarity = similarity_with({0, 1, 0, 2, 3, 0, 1, 4}, {0, 0, 2, 1, 3, 7, 6, 2});
  for (int64_t k = 2; k <= 8; ++k) {
    const std::vector<double> expected = expected_accuracy_per_anchor(similarity, k);
    for (int64_t i = 0; i < 8; ++i) {
      EXPECT_NEAR(expected[static_cast<size_t>(i)], by_enumeration(similarity[i], i, k), 1e-14)
          << "k " << k << ", anchor " << i;
    }
  }
}

TEST(ExpectedAccuracy, EqualSimilaritiesAreChance) {
  const at::Tensor similarity = at::ones({300, 300}, at::kFloat);
  for (const int64_t k : {2, 8, 64, 300}) {
    for (const double a : expected_accuracy_per_anchor(similarity, k)) {
      ASSERT_NEAR(a * static_cast<double>(k), 1.0, 1e-12) << "k " << k;
    }
  }
}

TEST(ExpectedAccuracy, AllNegativesAtOnceLeaveOutrightWinsAndSharedTies) {
  const at::Tensor similarity = similarity_with({0, 1, 0, 0}, {0, 0, 1, 3});
  EXPECT_EQ(expected_accuracy_per_anchor(similarity, 4),
            (std::vector<double>{1.0, 0.0, 0.5, 0.25}));
}

TEST(ExpectedAccuracy, FloatAndDoubleAgree) {
  const at::Tensor similarity = at::sin(at::arange(3600, at::kFloat)).view({60, 60});
  EXPECT_EQ(expected_accuracy_per_anchor(similarity, 5),
            expected_accuracy_per_anchor(similarity.to(at::kDouble), 5));
}

TEST(ExpectedAccuracy, LargeMatricesStayExact) {
  // One negative out of 4999 is higher: it is drawn with chance 63/4999.
  const at::Tensor similarity = at::full({5000, 5000}, -1.0F);
  similarity.diagonal().fill_(0.0F);
  similarity.select(1, 0).narrow(0, 1, 4999).fill_(1.0F);
  const std::vector<double> expected = expected_accuracy_per_anchor(similarity, 64);
  EXPECT_DOUBLE_EQ(expected.front(), 1.0);
  EXPECT_NEAR(expected.back(), 1.0 - 63.0 / 4999.0, 1e-13);
}

TEST(ExpectedAccuracy, RefusesBadInput) {
  const at::Tensor similarity = at::zeros({4, 4}, at::kDouble);
  EXPECT_THROW(expected_accuracy_per_anchor(similarity, 1), Error);
  EXPECT_THROW(expected_accuracy_per_anchor(similarity, 5), Error);
  EXPECT_THROW(expected_accuracy_per_anchor(at::zeros({4, 3}, at::kDouble), 2), Error);
  EXPECT_THROW(expected_accuracy_per_anchor(at::Tensor(), 2), Error);
  EXPECT_THROW(expected_accuracy_per_anchor(at::zeros({4, 4}, at::kLong), 2), Error);
  for (const double bad :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    const at::Tensor broken = similarity.clone();
    broken[2][1] = bad;
    EXPECT_THROW(expected_accuracy_per_anchor(broken, 2), Error);
  }
}

}  // namespace
}  // namespace cocola
