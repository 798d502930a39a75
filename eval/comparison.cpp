#include "eval/comparison.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <utility>

#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "eval/score_document.h"

namespace cocola {
namespace {

using Scores = std::vector<double>;  // of one system, one for each common name
using Item = const ScoredItem*;

// Lower case, with blanks for underscores and hyphens.
std::string plain(std::string name) {
  for (char& c : name) {
    c = c == '_' || c == '-' ? ' ' : c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return name;
}

bool is_random(const std::string& system) {
  const std::string name = plain(system);
  return name == "random" || name == "random pairs";
}

bool is_truth(const std::string& system) {
  const std::string name = plain(system);
  return name == "ground truth" || name == "truth";
}

std::string choose_baseline(const std::vector<std::string>& systems, const std::string& asked) {
  if (asked.empty()) {
    const auto random = std::ranges::find_if(systems, is_random);
    return random == systems.end() ? systems.front() : *random;
  }
  if (std::ranges::find(systems, asked) == systems.end()) {
    fail("comparison", "the baseline '{}' is none of the systems: {}", asked,
         fmt::join(systems, ", "));
  }
  return asked;
}

// What every system made for each name.
class Table {
 public:
  explicit Table(std::span<const ScoredItem> items) {
    for (const ScoredItem& item : items) {
      if (std::ranges::find(systems, item.system) == systems.end()) systems.push_back(item.system);
      if (!by_name_.contains(item.name)) names_.push_back(item.name);
      if (!by_name_[item.name].emplace(item.system, &item).second) {
        fail("comparison",
             "system '{}' has '{}' twice; give each pair of a system a name of its own",
             item.system, item.name);
      }
    }
    if (systems.size() < 2) {
      fail("comparison", "there is one system alone, '{}'; a comparison needs two or more",
           systems.empty() ? "" : systems.front());
    }
  }

  // Names with a score of every system; the others go to `left_out`.
  std::vector<std::string> common_names(std::vector<LeftOutItem>& left_out) const {
    std::vector<std::string> common;
    for (const std::string& name : names_) {
      LeftOutItem item{name, {}, {}};
      for (const std::string& system : systems) {
        const Item found = at(system, name);
        if (found == nullptr) {
          item.missing.push_back(system);
        } else if (!found->both) {
          item.unscored.push_back(system);
        }
      }
      if (item.missing.empty() && item.unscored.empty()) {
        common.push_back(name);
      } else {
        left_out.push_back(std::move(item));
      }
    }
    return common;
  }

  // Scores of each system; empty when one has none.
  std::vector<Scores> scores(const std::vector<std::string>& names,
                             std::optional<double> ScoredItem::*mode) const {
    std::vector<Scores> all;
    for (const std::string& system : systems) {
      Scores own;
      for (const std::string& name : names) {
        const std::optional<double>& score = at(system, name)->*mode;
        if (!score) return {};
        own.push_back(*score);
      }
      all.push_back(std::move(own));
    }
    return all;
  }

  std::vector<std::string> systems;  // in order of appearance

 private:
  Item at(const std::string& system, const std::string& name) const {
    const auto& row = by_name_.at(name);
    const auto found = row.find(system);
    return found == row.end() ? nullptr : found->second;
  }

  std::vector<std::string> names_;
  std::map<std::string, std::map<std::string, Item>> by_name_;
};

MeanEstimate mean_over_names(const Scores& values) {
  std::vector<int64_t> cluster(values.size());
  std::iota(cluster.begin(), cluster.end(), 0);
  return bootstrap_mean(values, cluster, static_cast<int64_t>(values.size()), kComparisonLevel,
                        kComparisonResamples, kComparisonSeed);
}

// Twice the smaller tail of the resampled differences beyond 0, as their interval is two-sided.
double p_of(const std::vector<double>& mine, const std::vector<double>& theirs) {
  int64_t above = 1, below = 1;  // the observed sample counts as one resample
  for (size_t i = 0; i < mine.size(); ++i) {
    above += mine[i] >= theirs[i];
    below += mine[i] <= theirs[i];
  }
  const auto all = static_cast<double>(mine.size() + 1);
  return std::min(1.0, 2.0 * static_cast<double>(std::min(above, below)) / all);
}

// How often each system's mean is the highest; those that tie share.
std::vector<double> shares_of_best(const std::vector<std::vector<double>>& means) {
  std::vector<double> shares(means.size(), 0.0);
  const size_t num_resamples = means.front().size();
  for (size_t i = 0; i < num_resamples; ++i) {
    double highest = means.front()[i];
    for (const auto& own : means) highest = std::max(highest, own[i]);
    const auto ties = std::ranges::count_if(means, [&](const auto& m) { return m[i] == highest; });
    for (size_t s = 0; s < means.size(); ++s) {
      if (means[s][i] == highest) shares[s] += 1.0 / static_cast<double>(ties);
    }
  }
  for (double& share : shares) share /= static_cast<double>(num_resamples);
  return shares;
}

Scores difference_of(const Scores& mine, const Scores& theirs) {
  Scores difference;
  for (size_t i = 0; i < mine.size(); ++i) difference.push_back(mine[i] - theirs[i]);
  return difference;
}

std::vector<SystemScore> compare_scores(const std::vector<Scores>& scores, size_t baseline) {
  const auto means = resampled_means(scores, kComparisonResamples, kComparisonSeed);
  const std::vector<double> best = shares_of_best(means);
  const bool has_intervals = scores.front().size() > 1;
  std::vector<SystemScore> compared;
  for (size_t s = 0; s < scores.size(); ++s) {
    SystemScore score{mean_over_names(scores[s]), {}, {}};
    if (has_intervals) score.best = best[s];
    if (s != baseline) {
      score.difference = {mean_over_names(difference_of(scores[s], scores[baseline])), {}};
      if (has_intervals) score.difference->p = p_of(means[s], means[baseline]);
    }
    compared.push_back(std::move(score));
  }
  return compared;
}

std::string described(const MeanEstimate& difference) {
  if (!difference.interval) return fmt::format("{:+.3f}, no interval", difference.value);
  return fmt::format("{:+.3f} [{:+.3f}, {:+.3f}]", difference.value, difference.interval->low,
                     difference.interval->high);
}

bool holds_zero(const MeanEstimate& difference) {
  return !difference.interval ||
         (difference.interval->low <= 0.0 && difference.interval->high >= 0.0);
}

// Fills ranks and sentences. scores: those of `both`, in the order of the systems.
void rank_systems(const std::vector<Scores>& scores, Comparison& comparison) {
  std::vector<size_t> order(scores.size());
  std::iota(order.begin(), order.end(), size_t{0});
  auto& systems = comparison.systems;
  std::ranges::stable_sort(order, [&](size_t x, size_t y) {
    return systems[x].both.mean.value > systems[y].both.mean.value;
  });
  size_t leader = order.front();
  for (size_t place = 0; place < order.size(); ++place) {
    ComparedSystem& own = systems[order[place]];
    if (place == 0) {
      own.rank = 1;
      comparison.ranking.push_back(
          fmt::format("Rank 1: {}, the highest mean score.", printable(own.name)));
      continue;
    }
    const MeanEstimate difference =
        mean_over_names(difference_of(scores[order[place]], scores[leader]));
    const bool shares = holds_zero(difference);
    own.rank = shares ? systems[leader].rank : static_cast<int64_t>(place) + 1;
    comparison.ranking.push_back(
        fmt::format("Rank {}: {}, {} {} ({}).", own.rank, printable(own.name),
                    shares ? "no difference can be told from" : "below",
                    printable(systems[leader].name), described(difference)));
    if (!shares) leader = order[place];
  }
}

// Baseline first, ground truth last, the others as they came.
void order_rows(Comparison& comparison) {
  const auto place = [&](const ComparedSystem& system) {
    return system.name == comparison.baseline ? 0 : is_truth(system.name) ? 2 : 1;
  };
  std::ranges::stable_sort(comparison.systems, {}, place);
}

}  // namespace

Comparison compare_systems(std::span<const ScoredItem> items, const std::string& baseline) {
  const Table table(items);
  Comparison comparison;
  comparison.baseline = choose_baseline(table.systems, baseline);
  const std::vector<std::string> names = table.common_names(comparison.left_out);
  if (names.empty()) {
    fail("comparison",
         "no name has a score of every system ({}); pairs of one song need the same name, or "
         "files b of the same name",
         fmt::join(table.systems, ", "));
  }
  comparison.num_names = static_cast<int64_t>(names.size());
  const auto index = static_cast<size_t>(std::ranges::find(table.systems, comparison.baseline) -
                                         table.systems.begin());
  const std::vector<Scores> both = table.scores(names, &ScoredItem::both);
  for (const SystemScore& score : compare_scores(both, index)) {
    comparison.systems.push_back(
        {table.systems[comparison.systems.size()], 0, score, std::nullopt, std::nullopt});
  }
  const auto add = [&](std::optional<double> ScoredItem::*mode,
                       std::optional<SystemScore> ComparedSystem::*place) {
    const std::vector<Scores> scores = table.scores(names, mode);
    if (scores.empty()) return;
    const std::vector<SystemScore> compared = compare_scores(scores, index);
    for (size_t s = 0; s < compared.size(); ++s) comparison.systems[s].*place = compared[s];
  };
  add(&ScoredItem::harmonic, &ComparedSystem::harmonic);
  add(&ScoredItem::percussive, &ComparedSystem::percussive);
  rank_systems(both, comparison);
  order_rows(comparison);
  return comparison;
}

Comparison compare_systems(const OrderedJson& document, const std::string& baseline) {
  std::vector<ScoredItem> items;
  for (const OrderedJson& pair : document["scores"]) {
    const OrderedJson& system = value_or_null(pair, "system");
    if (system.is_null()) continue;
    const auto score = [&](const char* key) {
      const OrderedJson& value = value_or_null(pair, key);
      return value.is_null() ? std::nullopt : std::optional(value.get<double>());
    };
    items.push_back({system.get<std::string>(), name_of_pair(pair), score("both"),
                     score("harmonic"), score("percussive")});
  }
  if (items.empty()) {
    fail("comparison",
         "no pair names a system; give one file of scores for each system, or pairs with systems");
  }
  return compare_systems(items, baseline);
}

}  // namespace cocola
