// Adds tensors one by one in the order of a fixed binary tree, so that the bits of a sum do not
// depend on how many ranks share its terms.
#pragma once
#include <ATen/core/Tensor.h>
#include <vector>

namespace cocola {

// The tree pairs neighbours, then neighbouring pairs, and so on: ((0 + 1) + (2 + 3)) + ...; what
// has no neighbour on its level goes up unchanged, so seven terms are
// ((0 + 1) + (2 + 3)) + ((4 + 5) + 6). Communicator::all_reduce_sum adds ranks in the same tree.
//
// Law: ranks that each hold an equal share of 2^m terms, in order, and then reduce over the world
//      get the bits of one process that holds all terms, for any number of ranks.
class TreeSum {
 public:
  // Shapes: equal for all terms, on one device.
  // Requires: the caller no longer uses the term: partial sums live in its memory. n terms keep at
  // most 1 + log2 n tensors alive.
  void add(at::Tensor term);

  // The sum of all terms since the start or the last take(); its memory is that of the first term.
  // Throws: Error without terms.
  at::Tensor take();

 private:
  std::vector<at::Tensor> levels_;  // level i: the sum of 2^i terms, or undefined
};

}  // namespace cocola
