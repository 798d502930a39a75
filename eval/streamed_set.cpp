#include "eval/streamed_set.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/zeros.h>

#include "metrics/frechet.h"

namespace cocola {
namespace {

// One rank after the other, so that memory does not grow with their number.
GaussianStatistics merge_over_ranks(const GaussianStatistics& own, int64_t dimensions,
                                    Communicator& world) {
  const at::Tensor table = at::zeros({world.world_size(), 2}, at::kLong);
  auto* const sizes = table.mutable_data_ptr<int64_t>();
  if (own.num_samples > 0) {
    sizes[2 * world.rank()] = own.num_samples;
    sizes[2 * world.rank() + 1] = own.root.size(0);
  }
  world.all_reduce_sum(table);
  GaussianStatistics merged;
  for (int64_t rank = 0; rank < world.world_size(); ++rank) {
    const int64_t num_samples = sizes[2 * rank], num_root_rows = sizes[2 * rank + 1];
    if (num_samples == 0) continue;
    const at::Tensor packed = at::zeros({1 + num_root_rows, dimensions}, at::kDouble);
    const at::Tensor mean = packed[0], root = packed.narrow(0, 1, num_root_rows);
    if (rank == world.rank()) {
      mean.copy_(own.mean);
      root.copy_(own.root);
    }
    world.all_reduce_sum(packed);
    merged.merge({num_samples, mean, root});
  }
  return merged;
}

}  // namespace

StreamedSet stream_set(const EmbeddingSource& source, const GaussianStatistics* reference,
                       Communicator& world) {
  const SourceFacts& facts = source.facts();
  const bool measures_files =
      !facts.files.empty() && reference != nullptr && reference->num_samples >= 2;
  const at::Tensor distances = at::zeros({facts.num_parts}, at::kDouble);
  auto* const distance_of = distances.mutable_data_ptr<double>();
  GaussianStatistics own;
  const std::vector<PartCounts> counts = read_in_turn(source, world, [&](int64_t part) {
    GaussianStatistics of_part;
    const PartCounts found =
        source.read_part(part, [&](const at::Tensor& rows) { of_part.add(rows); });
    if (measures_files && found.num_rows >= 2) {
      distance_of[part] = frechet_distance(*reference, of_part).value;
    }
    own.merge(of_part);
    return found;
  });
  world.all_reduce_sum(distances);

  StreamedSet set{.path = facts.path,
                  .statistics = merge_over_ranks(own, facts.dimensions, world),
                  .files = {},
                  .num_silent_windows = 0,
                  .is_audio = facts.is_audio};
  for (size_t part = 0; part < counts.size(); ++part) {
    set.num_silent_windows += counts[part].num_silent_windows;
    if (facts.files.empty()) continue;
    FileDistance file{facts.files[part], counts[part].num_rows, {}};
    if (measures_files && file.num_samples >= 2) file.frechet = distance_of[part];
    set.files.push_back(std::move(file));
  }
  return set;
}

}  // namespace cocola
