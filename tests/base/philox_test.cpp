#include "base/philox.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace cocola {
namespace {

TEST(Philox, GivesThePublishedKnownAnswers) {
  EXPECT_EQ(philox4x32_10({0, 0, 0, 0}, {0, 0}),
            (PhiloxBlock{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  const uint32_t ones = 0xffffffff;
  EXPECT_EQ(philox4x32_10({ones, ones, ones, ones}, {ones, ones}),
            (PhiloxBlock{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(
      philox4x32_10({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
      (PhiloxBlock{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
  EXPECT_EQ(philox4x32_10({1, 2, 3, 4}, {5, 6}),
            (PhiloxBlock{0xc0c839bc, 0x889c87c5, 0x61986739, 0x2d4623d0}));
}

TEST(PhiloxStream, IsAFunctionOfItsKeyAlone) {
  PhiloxStream a(7, DrawPurpose::noise, 3, 11, 2);
  PhiloxStream b(7, DrawPurpose::noise, 3, 11, 2);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(a.next_u32(), b.next_u32());
}

TEST(PhiloxStream, DiffersWhenAnyPartOfItsKeyDiffers) {
  const auto first = [](PhiloxStream stream) { return stream.next_u32(); };
  const uint32_t base = first(PhiloxStream(7, DrawPurpose::noise, 3, 11, 2));
  EXPECT_NE(base, first(PhiloxStream(8, DrawPurpose::noise, 3, 11, 2)));
  EXPECT_NE(base, first(PhiloxStream(7 + (1ull << 32), DrawPurpose::noise, 3, 11, 2)));
  EXPECT_NE(base, first(PhiloxStream(7, DrawPurpose::dropout, 3, 11, 2)));
  EXPECT_NE(base, first(PhiloxStream(7, DrawPurpose::noise, 4, 11, 2)));
  EXPECT_NE(base, first(PhiloxStream(7, DrawPurpose::noise, 3, 12, 2)));
  EXPECT_NE(base, first(PhiloxStream(7, DrawPurpose::noise, 3, 11, 3)));
}

TEST(PhiloxStream, UniformsFillTheUnitIntervalEvenly) {
  PhiloxStream stream(1, DrawPurpose::submix, 0, 0, 0);
  std::vector<int> bins(16, 0);
  for (int i = 0; i < 16000; ++i) {
    const float u = stream.next_uniform();
    ASSERT_GE(u, 0.0f);
    ASSERT_LT(u, 1.0f);
    ++bins[static_cast<size_t>(u * 16)];
  }
  for (const int count : bins) EXPECT_NEAR(count, 1000, 150);
}

TEST(PhiloxStream, IntegersBelowNAreEvenAndInRange) {
  PhiloxStream stream(2, DrawPurpose::submix, 0, 0, 0);
  std::vector<int> bins(7, 0);
  for (int i = 0; i < 14000; ++i) ++bins.at(stream.next_below(7));
  for (const int count : bins) EXPECT_NEAR(count, 2000, 200);
  EXPECT_EQ(stream.next_below(1), 0u);
}

TEST(PhiloxStream, NormalsHaveMeanZeroAndVarianceOne) {
  PhiloxStream stream(3, DrawPurpose::noise, 0, 0, 0);
  double sum = 0, squares = 0;
  const int n = 40000;
  for (int i = 0; i < n; ++i) {
    const double x = static_cast<double>(stream.next_normal());
    ASSERT_TRUE(std::isfinite(x));
    sum += x;
    squares += x * x;
  }
  EXPECT_NEAR(sum / n, 0.0, 0.02);
  EXPECT_NEAR(squares / n, 1.0, 0.03);
}

}  // namespace
}  // namespace cocola
