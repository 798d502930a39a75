// Errors that tests measure, noted with the test so that a table of them can be printed
// (tests/parity/measured_errors.py).
#pragma once
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>

namespace cocola::testing {

// Returns `error`, for an expectation. The largest of one stage in one test is noted.
inline double measured(const std::string& stage, double error, double tolerance) {
  static std::map<std::string, double> largest;
  const ::testing::TestInfo* const test = ::testing::UnitTest::GetInstance()->current_test_info();
  double& most = largest[fmt::format("{}.{}/{}", test->test_suite_name(), test->name(), stage)];
  most = std::max(most, error);
  ::testing::Test::RecordProperty("measured: " + stage,
                                  fmt::format("{:.1e} {:.0e}", most, tolerance));
  return error;
}

}  // namespace cocola::testing
