#include "objective/tree_sum.h"

#include <ATen/core/grad_mode.h>

#include <utility>

#include "base/error.h"

namespace cocola {

// A binary counter: a term that meets a sum of as many terms joins it and moves up.
void TreeSum::add(at::Tensor term) {
  const at::NoGradGuard no_grad;
  for (at::Tensor& level : levels_) {
    if (!level.defined()) {
      level = std::move(term);
      return;
    }
    level.add_(term);
    term = std::exchange(level, {});
  }
  levels_.push_back(std::move(term));
}

at::Tensor TreeSum::take() {
  const at::NoGradGuard no_grad;
  at::Tensor sum;
  for (at::Tensor& level : std::exchange(levels_, {})) {
    if (level.defined()) sum = sum.defined() ? level.add_(sum) : level;
  }
  if (!sum.defined()) fail("tree_sum", "there are no terms to add; expected one or more");
  return sum;
}

}  // namespace cocola
