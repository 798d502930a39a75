// How far two sets of embeddings are apart, by every distance.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json_fwd.h"
#include "eval/embeddings.h"
#include "eval/streamed_set.h"
#include "metrics/frechet.h"
#include "metrics/kernel_distance.h"

namespace cocola {

struct SetFacts {
  std::string path;
  int64_t num_samples = 0, dimensions = 0, rank = 0;
  int64_t num_files = 0;  // 0: one matrix
  int64_t num_silent_windows = 0;
  bool is_audio = false;
};

struct DistanceReport {
  SetFacts reference, evaluated;
  FrechetDistance frechet;
  bool frechet_only = false;          // of streamed sets, which have neither of the other two
  std::optional<FrechetLimit> limit;  // empty for kLeastLimitSamples or fewer
  double sigma = 0.0;
  bool sigma_of_reference = true;
  std::optional<KernelDistance> kernel;  // empty when sigma is 0
  std::vector<FileDistance> files;       // nearest first, those without a distance last
  std::vector<std::string> notes;        // what to know before trusting a number

  OrderedJson to_json() const;
  std::string to_text() const;
};

// sigma_of_reference: which set's median distance is the kernel's width.
//
// Random: decided by seed.
// Throws: Error naming the set when it has fewer than two samples, and for unequal dimensions.
DistanceReport measure_distance(const EmbeddingSet& reference, const EmbeddingSet& evaluated,
                                bool sigma_of_reference, uint64_t seed);

// Frechet distances alone, the same as of sets in memory, up to rounding of float64.
//
// Throws: as above.
DistanceReport measure_frechet(const StreamedSet& reference, const StreamedSet& evaluated);

// Throws: Error naming both sets.
void require_equal_dimensions(const std::string& reference, int64_t reference_dimensions,
                              const std::string& evaluated, int64_t evaluated_dimensions);

}  // namespace cocola
