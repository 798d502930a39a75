// Systems that made something for the same mixes, compared by their scores.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/json_fwd.h"
#include "metrics/confidence.h"

namespace cocola {

// The score of what one system made for one name (a song, or a song and its part).
struct ScoredItem {
  std::string system, name;
  std::optional<double> both, harmonic, percussive;
};

struct PairedDifference {
  MeanEstimate mean;        // over names, 95 % interval
  std::optional<double> p;  // two-sided, of no difference; empty below two names
};

// One score of one system, over the names that all systems have.
struct SystemScore {
  MeanEstimate mean;                           // 95 % interval over names
  std::optional<PairedDifference> difference;  // to the baseline; empty for itself
  std::optional<double> best;  // share of resamples in which its mean is the highest
};

struct ComparedSystem {
  std::string name;
  int64_t rank = 0;  // by `both`, from 1
  SystemScore both;
  std::optional<SystemScore> harmonic, percussive;  // empty for models of one channel
};

// A name that not every system has a score for.
struct LeftOutItem {
  std::string name;
  std::vector<std::string> missing, unscored;  // systems: without it; with a score that is null
};

inline constexpr double kComparisonLevel = 0.95;
inline constexpr int64_t kComparisonResamples = 10'000;
inline constexpr uint64_t kComparisonSeed = 1;

struct Comparison {
  std::string baseline;
  int64_t num_names = 0;                // compared
  std::vector<ComparedSystem> systems;  // baseline first, ground truth last
  std::vector<std::string> ranking;     // one sentence for each system, best first
  std::vector<LeftOutItem> left_out;

  OrderedJson to_json() const;
  std::string to_text() const;
};

// A paired bootstrap: names are drawn with replacement, for all systems the same ones. The best
// system opens rank 1; the next one shares a rank when the interval of its difference to the best
// of that rank holds 0, and opens a new rank otherwise.
//
// baseline: empty for the system called "random" or "random pairs", or else the first one.
// Random:   the same resamples in every run.
// Throws:   Error below two systems, for an unknown baseline, an item scored twice, and when no
//           name has a score of every system.
Comparison compare_systems(std::span<const ScoredItem> items, const std::string& baseline = "");

// Of a document that was checked (eval/score_document.h).
// Throws: what compare_systems throws, and Error when no pair names a system.
Comparison compare_systems(const OrderedJson& document, const std::string& baseline = "");

}  // namespace cocola
