#include "eval/embeddings.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/zeros.h>

#include <algorithm>

#include "base/error.h"

namespace cocola {
namespace {

void require_room(const SourceFacts& facts) {
  if (facts.num_rows.value_or(0) <= kMaxSetValues / facts.dimensions) return;
  fail("embeddings",
       "{}: {} rows of {} values; at most {} values are held at once. --frechet-only holds none, "
       "and measures sets of any size",
       facts.path, *facts.num_rows, facts.dimensions, kMaxSetValues);
}

// The rows of all ranks in the order of parts. own: those of this rank's parts, [n, d].
at::Tensor gather_parts(at::Tensor own, const std::vector<PartCounts>& counts,
                        Communicator& world) {
  const auto world_size = static_cast<size_t>(world.world_size());
  std::vector<int64_t> shares(world_size, 0);
  for (size_t part = 0; part < counts.size(); ++part) {
    shares[part % world_size] += counts[part].num_rows;
  }
  const int64_t largest = *std::ranges::max_element(shares);
  if (own.size(0) < largest) {
    own = at::cat({own, at::zeros({largest - own.size(0), own.size(1)}, own.options())});
  }
  const at::Tensor gathered = world.all_gather(own);
  own.reset();

  std::vector<int64_t> next;
  for (size_t rank = 0; rank < world_size; ++rank) {
    next.push_back(static_cast<int64_t>(rank) * largest);
  }
  std::vector<at::Tensor> parts;
  for (size_t part = 0; part < counts.size(); ++part) {
    int64_t& first = next[part % world_size];
    parts.push_back(gathered.narrow(0, first, counts[part].num_rows));
    first += counts[part].num_rows;
  }
  return at::cat(parts);
}

}  // namespace

EmbeddingSet read_embeddings(const EmbeddingSource& source, Communicator& world) {
  const SourceFacts& facts = source.facts();
  if (world.is_rank_zero()) require_room(facts);
  world.barrier();
  std::vector<at::Tensor> pieces = {at::zeros({0, facts.dimensions}, at::kDouble)};
  const std::vector<PartCounts> counts = read_in_turn(source, world, [&](int64_t part) {
    return source.read_part(part, [&](const at::Tensor& rows) { pieces.push_back(rows); });
  });
  at::Tensor own = at::cat(pieces);
  pieces.clear();

  EmbeddingSet set{.path = facts.path,
                   .rows = gather_parts(std::move(own), counts, world),
                   .files = {},
                   .num_silent_windows = 0,
                   .is_audio = facts.is_audio};
  int64_t first_row = 0;
  for (size_t part = 0; part < counts.size(); ++part) {
    if (!facts.files.empty()) {
      set.files.push_back({facts.files[part], first_row, counts[part].num_rows});
    }
    first_row += counts[part].num_rows;
    set.num_silent_windows += counts[part].num_silent_windows;
  }
  return set;
}

}  // namespace cocola
