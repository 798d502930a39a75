#include "preprocess/datasets/python_shuffle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace cocola {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::IsEmpty;

TEST(PythonShuffle, FirstNumbersAreThoseOfPythonForSeed42) {
  std::mt19937 generator = python_generator(42);
  const std::vector<uint32_t> drawn = {
      static_cast<uint32_t>(generator()), static_cast<uint32_t>(generator()),
      static_cast<uint32_t>(generator()), static_cast<uint32_t>(generator())};
  EXPECT_THAT(drawn, ElementsAre(2746317213u, 478163327u, 107420369u, 3184935163u));
}

TEST(PythonShuffle, OrdersAreThoseOfPython) {
  EXPECT_THAT(python_shuffle(10, 42), ElementsAre(7, 3, 2, 8, 5, 6, 9, 4, 0, 1));
  const std::vector<size_t> order = python_shuffle(240, 42);
  EXPECT_THAT(std::vector<size_t>(order.begin(), order.begin() + 12),
              ElementsAre(45, 113, 9, 85, 105, 197, 209, 132, 231, 44, 126, 193));
  EXPECT_THAT(std::vector<size_t>(order.end() - 24, order.end()),
              ElementsAreArray({237, 154, 129, 59,  55, 23, 7,  8,  108, 151, 22, 139,
                                236, 173, 26,  188, 35, 57, 62, 70, 189, 6,   28, 163}));
}

TEST(PythonShuffle, EveryPositionOccursOnceForAnyCount) {
  EXPECT_THAT(python_shuffle(0, 42), IsEmpty());
  EXPECT_THAT(python_shuffle(1, 42), ElementsAre(0));
  for (const size_t count : {2, 31, 32, 33, 1000}) {
    std::vector<size_t> order = python_shuffle(count, 7);
    std::ranges::sort(order);
    for (size_t i = 0; i < count; ++i) EXPECT_EQ(order[i], i);
  }
}

}  // namespace
}  // namespace cocola
