#include "eval/distance_report.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/full.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/json.h"
#include "metrics/sample_sets.h"

namespace cocola {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using testing::normal_samples;

EmbeddingSet matrix(const std::string& path, const at::Tensor& rows) {
  return {.path = path, .rows = rows, .files = {}};
}

// A folder of files with these numbers of rows.
EmbeddingSet folder(const at::Tensor& rows, const std::vector<int64_t>& sizes) {
  EmbeddingSet set = matrix("folder", rows);
  int64_t first = 0;
  for (const int64_t size : sizes) {
    set.files.push_back({std::to_string(set.files.size()) + ".wav", first, size});
    first += size;
  }
  return set;
}

const EmbeddingSet kReference = matrix("reference", normal_samples(200, 4, 1));

TEST(DistanceReport, FilesAreMeasuredAloneNearestFirst) {
  const at::Tensor rows = normal_samples(100, 4, 2);
  rows.narrow(0, 0, 40).add_(3.0);
  const DistanceReport report = measure_distance(kReference, folder(rows, {40, 1, 0, 59}), true, 1);
  ASSERT_EQ(report.files.size(), 4u);
  EXPECT_EQ(report.files[0].name, "3.wav");
  EXPECT_EQ(report.files[1].name, "0.wav");
  EXPECT_DOUBLE_EQ(report.files[1].frechet.value(),
                   frechet_distance(gaussian_statistics(kReference.rows),
                                    gaussian_statistics(rows.narrow(0, 0, 40)))
                       .value);
  EXPECT_FALSE(report.files[2].frechet.has_value());
  EXPECT_TRUE(report.to_json()["files"][3]["frechet"].is_null());
  EXPECT_THAT(report.notes, Contains(HasSubstr("4 files")));
}

TEST(DistanceReport, RowsOfAFileStandTogetherInTheInterval) {
  const at::Tensor songs = normal_samples(20, 4, 3);
  const at::Tensor rows = songs.repeat_interleave(10, 0) + 0.01 * normal_samples(200, 4, 4);
  const auto width = [&](const EmbeddingSet& set) {
    const Interval interval =
        measure_distance(kReference, set, true, 1).kernel.value().interval.value();
    return interval.high - interval.low;
  };
  EXPECT_GT(width(folder(rows, std::vector<int64_t>(20, 10))), 2.0 * width(matrix("rows", rows)));
}

TEST(DistanceReport, TheKernelsWidthComesFromTheChosenSet) {
  const EmbeddingSet wide = matrix("wide", 3.0 * normal_samples(50, 4, 5));
  EXPECT_DOUBLE_EQ(measure_distance(kReference, wide, true, 1).sigma,
                   median_distance(kReference.rows, 1));
  EXPECT_DOUBLE_EQ(measure_distance(kReference, wide, false, 1).sigma,
                   median_distance(wide.rows, 1));
}

TEST(DistanceReport, SaysWhatIsMissingAndWhy) {
  const DistanceReport few =
      measure_distance(kReference, matrix("few", normal_samples(3, 4, 6)), true, 1);
  EXPECT_EQ(few.evaluated.rank, 2);
  EXPECT_TRUE(few.to_json()["frechet_infinity"].is_null());
  EXPECT_THAT(few.notes, Contains(AllOf(HasSubstr("few"), HasSubstr("rank 2"))));
  EXPECT_THAT(few.to_text(), AllOf(HasSubstr("no FAD-infinity"), HasSubstr("rank 2")));

  const DistanceReport constant =
      measure_distance(matrix("constant", at::full({9, 4}, 0.5, at::kDouble)), kReference, true, 1);
  EXPECT_EQ(constant.reference.rank, 0);
  EXPECT_TRUE(constant.to_json()["kad"].is_null());
  EXPECT_THAT(constant.notes, Contains(HasSubstr("median distance in constant is 0")));
}

TEST(DistanceReport, SetsWithoutADistanceAreNamed) {
  EXPECT_THAT([] { measure_distance(kReference, matrix("one", normal_samples(1, 4, 7)), true, 1); },
              ::testing::ThrowsMessage<Error>(HasSubstr("one: one embedding")));
  EXPECT_THAT(
      [] { measure_distance(kReference, matrix("other", normal_samples(9, 5, 7)), true, 1); },
      ::testing::ThrowsMessage<Error>(AllOf(HasSubstr("reference"), HasSubstr("other of 5"))));
}

}  // namespace
}  // namespace cocola
