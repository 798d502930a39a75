#include "eval/distance_report.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>

#include <algorithm>

#include "base/error.h"
#include "base/log.h"
#include "eval/json_output.h"

namespace cocola {
namespace {

constexpr size_t kFilesPrinted = 10;

// Rows of one file stand or fall together; those of one matrix are taken for independent.
ClusteredSamples clustered(const EmbeddingSet& set) {
  const int64_t n = set.rows.size(0);
  if (set.files.empty()) return {set.rows, at::arange(n), n};
  at::Tensor cluster = at::empty({n}, at::kLong);
  for (size_t i = 0; i < set.files.size(); ++i) {
    cluster.narrow(0, set.files[i].first_row, set.files[i].num_rows).fill_(static_cast<int64_t>(i));
  }
  return {set.rows, cluster, static_cast<int64_t>(set.files.size())};
}

// EmbeddingSet or StreamedSet.
template <typename Set>
SetFacts facts_of(const Set& set, const GaussianStatistics& statistics) {
  return {.path = set.path,
          .num_samples = statistics.num_samples,
          .dimensions = statistics.dimensions(),
          .rank = statistics.rank(),
          .num_files = static_cast<int64_t>(set.files.size()),
          .num_silent_windows = set.num_silent_windows,
          .is_audio = set.is_audio};
}

std::vector<FileDistance> distances_of_files(const GaussianStatistics& reference,
                                             const EmbeddingSet& evaluated) {
  std::vector<FileDistance> distances;
  for (const EmbeddingFile& file : evaluated.files) {
    FileDistance distance{file.name, file.num_rows, {}};
    if (file.num_rows >= 2) {
      const at::Tensor rows = evaluated.rows.narrow(0, file.first_row, file.num_rows);
      distance.frechet = frechet_distance(reference, gaussian_statistics(rows)).value;
    }
    distances.push_back(std::move(distance));
  }
  return distances;
}

void sort_by_distance(std::vector<FileDistance>& files) {
  std::stable_sort(files.begin(), files.end(), [](const auto& x, const auto& y) {
    return x.frechet && (!y.frechet || *x.frechet < *y.frechet);
  });
}

void require_two(const std::string& path, int64_t num_samples) {
  if (num_samples < 2) {
    fail("distance", "{}: one embedding has no covariance; 2 or more are needed", path);
  }
}

// What to know before trusting the statistics of the sets.
std::vector<std::string> notes_on_sets(const DistanceReport& report) {
  std::vector<std::string> notes;
  for (const SetFacts* set : {&report.reference, &report.evaluated}) {
    if (set->num_samples <= set->dimensions) {
      notes.push_back(fmt::format(
          "{}: {} samples of {} values have rank {}; the Frechet distance is exact for these "
          "samples, and biased upward as an estimate",
          set->path, set->num_samples, set->dimensions, set->rank));
    } else if (set->rank < set->dimensions) {
      notes.push_back(fmt::format("{}: its values lie in {} of {} dimensions", set->path, set->rank,
                                  set->dimensions));
    }
    if (!report.frechet_only && set->num_files > 0 && set->num_files < kFewClusters) {
      notes.push_back(fmt::format("{}: {} files are too few for a trustworthy interval of KAD",
                                  set->path, set->num_files));
    }
  }
  return notes;
}

std::vector<std::string> notes_on(const DistanceReport& report) {
  std::vector<std::string> notes = notes_on_sets(report);
  if (report.frechet_only) {
    notes.push_back(
        "neither FAD-infinity nor KAD: --frechet-only keeps no embeddings, from which they come");
    return notes;
  }
  if (!report.limit) {
    notes.push_back(fmt::format("no FAD-infinity: {} samples, it needs more than {}",
                                report.evaluated.num_samples, kLeastLimitSamples));
  } else if (report.evaluated.dimensions >= kLeastLimitSamples) {
    notes.push_back(fmt::format(
        "FAD-infinity fits 1 / n from {} samples on, which are no more than the {} dimensions",
        kLeastLimitSamples, report.evaluated.dimensions));
  }
  if (!report.kernel) {
    notes.push_back(
        fmt::format("no KAD: the median distance in {} is 0",
                    (report.sigma_of_reference ? report.reference : report.evaluated).path));
  }
  return notes;
}

OrderedJson facts_json(const SetFacts& set) {
  return {{"path", set.path},
          {"n", set.num_samples},
          {"d", set.dimensions},
          {"rank", set.rank},
          {"files", set.num_files > 0 ? OrderedJson(set.num_files) : OrderedJson(nullptr)},
          {"silent_windows",
           set.is_audio ? OrderedJson(set.num_silent_windows) : OrderedJson(nullptr)}};
}

OrderedJson limit_json(const FrechetLimit& limit) {
  OrderedJson points = OrderedJson::array();
  for (const FrechetPoint& point : limit.points) {
    points.push_back({{"n", point.num_samples}, {"frechet", point.value}});
  }
  return {{"value", limit.limit},
          {"slope", limit.slope},
          {"r_squared", or_null(limit.r_squared)},
          {"points", points}};
}

OrderedJson kernel_json(const KernelDistance& kernel, const DistanceReport& report) {
  OrderedJson json = {{"value", kernel.value}};
  append_interval(kernel.interval, json);
  json["sigma"] = report.sigma;
  json["sigma_of"] = report.sigma_of_reference ? "A" : "B";
  return json;
}

void append_facts(std::string& text, const char* name, const SetFacts& set) {
  text += fmt::format("{}  {}\n   {} samples of {} values, rank {}", name, printable(set.path),
                      set.num_samples, set.dimensions, set.rank);
  if (set.num_files > 0) text += fmt::format(", {} files", set.num_files);
  if (set.is_audio) text += fmt::format(", {} silent windows left out", set.num_silent_windows);
  text += "\n";
}

void append_files(std::string& text, const std::vector<FileDistance>& files) {
  if (files.empty()) return;
  text += fmt::format("\nFiles of B against A, Frechet, {} of {}:\n",
                      std::min(kFilesPrinted, files.size()), files.size());
  for (size_t i = 0; i < std::min(kFilesPrinted, files.size()); ++i) {
    const FileDistance& file = files[i];
    text += fmt::format("  {:>12}  {} samples  {}\n",
                        file.frechet ? fmt::format("{:.6g}", *file.frechet) : "none",
                        file.num_samples, printable(file.name));
  }
}

}  // namespace

OrderedJson DistanceReport::to_json() const {
  OrderedJson rows = OrderedJson::array();
  for (const FileDistance& file : files) {
    rows.push_back(
        {{"file", file.name}, {"n", file.num_samples}, {"frechet", or_null(file.frechet)}});
  }
  return {{"a", facts_json(reference)},
          {"b", facts_json(evaluated)},
          {"frechet",
           {{"value", frechet.value},
            {"means", frechet.of_means},
            {"covariances", frechet.of_covariances}}},
          {"frechet_infinity", limit ? limit_json(*limit) : OrderedJson(nullptr)},
          {"kad", kernel ? kernel_json(*kernel, *this) : OrderedJson(nullptr)},
          {"files", evaluated.num_files > 0 ? rows : OrderedJson(nullptr)},
          {"notes", notes}};
}

std::string DistanceReport::to_text() const {
  std::string text;
  append_facts(text, "A", reference);
  append_facts(text, "B", evaluated);
  text += fmt::format("\nFrechet       {:>12.6g}   means {:.6g}, covariances {:.6g}\n",
                      frechet.value, frechet.of_means, frechet.of_covariances);
  if (limit) {
    text += fmt::format("FAD-infinity  {:>12.6g}   slope {:.6g} / n, {} sizes", limit->limit,
                        limit->slope, limit->points.size());
    if (limit->r_squared) text += fmt::format(", R^2 {:.4f}", *limit->r_squared);
    text += "\n";
  }
  if (kernel) {
    text += fmt::format("KAD           {:>12.6g}   ", kernel->value);
    if (kernel->interval) {
      text += fmt::format("95 % [{:.6g}, {:.6g}], ", kernel->interval->low, kernel->interval->high);
    }
    text += fmt::format("sigma {:.6g} of {}\n", sigma, sigma_of_reference ? "A" : "B");
  }
  append_files(text, files);
  for (const std::string& note : notes) text += "\nNote: " + printable(note);
  return notes.empty() ? text : text + "\n";
}

DistanceReport measure_distance(const EmbeddingSet& reference, const EmbeddingSet& evaluated,
                                bool sigma_of_reference, uint64_t seed) {
  require_two(reference.path, reference.rows.size(0));
  require_two(evaluated.path, evaluated.rows.size(0));
  require_equal_dimensions(reference.path, reference.rows.size(1), evaluated.path,
                           evaluated.rows.size(1));
  const GaussianStatistics statistics = gaussian_statistics(reference.rows);
  const GaussianStatistics others = gaussian_statistics(evaluated.rows);
  DistanceReport report;
  report.frechet = frechet_distance(statistics, others);
  report.reference = facts_of(reference, statistics);
  report.evaluated = facts_of(evaluated, others);
  if (others.num_samples > kLeastLimitSamples) {
    report.limit = frechet_limit(statistics, evaluated.rows, seed);
  }
  report.sigma_of_reference = sigma_of_reference;
  report.sigma = median_distance((sigma_of_reference ? reference : evaluated).rows, seed);
  if (report.sigma > 0.0) {
    report.kernel = kernel_distance(clustered(reference), clustered(evaluated), report.sigma);
  }
  report.files = distances_of_files(statistics, evaluated);
  sort_by_distance(report.files);
  report.notes = notes_on(report);
  return report;
}

DistanceReport measure_frechet(const StreamedSet& reference, const StreamedSet& evaluated) {
  for (const StreamedSet* set : {&reference, &evaluated}) {
    require_two(set->path, set->statistics.num_samples);
  }
  require_equal_dimensions(reference.path, reference.statistics.dimensions(), evaluated.path,
                           evaluated.statistics.dimensions());
  DistanceReport report;
  report.frechet_only = true;
  report.frechet = frechet_distance(reference.statistics, evaluated.statistics);
  report.reference = facts_of(reference, reference.statistics);
  report.evaluated = facts_of(evaluated, evaluated.statistics);
  report.files = evaluated.files;
  sort_by_distance(report.files);
  report.notes = notes_on(report);
  return report;
}

void require_equal_dimensions(const std::string& reference, int64_t reference_dimensions,
                              const std::string& evaluated, int64_t evaluated_dimensions) {
  if (reference_dimensions == evaluated_dimensions) return;
  fail("distance", "{} has embeddings of {} values, {} of {}; make both with one embedder",
       reference, reference_dimensions, evaluated, evaluated_dimensions);
}

}  // namespace cocola
