// A comparison as JSON and as text.
#include <fmt/ranges.h>

#include <algorithm>

#include "base/log.h"
#include "eval/comparison.h"
#include "eval/json_output.h"

namespace cocola {
namespace {

OrderedJson to_json(const SystemScore& score) {
  OrderedJson json = {{"mean", estimate_to_json(score.mean)}, {"difference", nullptr}};
  if (score.difference) {
    json["difference"] = estimate_to_json(score.difference->mean);
    json["difference"]["p"] = or_null(score.difference->p);
  }
  json["best"] = or_null(score.best);
  return json;
}

OrderedJson to_json(const std::optional<SystemScore>& score) {
  return score ? to_json(*score) : OrderedJson(nullptr);
}

std::string cell(const MeanEstimate& mean, bool with_sign = false) {
  const auto number = [&](double value) {
    return with_sign ? fmt::format("{:+.3f}", value) : fmt::format("{:.3f}", value);
  };
  if (!mean.interval) return number(mean.value) + " [-]";
  return fmt::format("{} [{}, {}]", number(mean.value), number(mean.interval->low),
                     number(mean.interval->high));
}

std::string cell(const std::optional<SystemScore>& score) {
  return score ? cell(score->mean) : "none";
}

// Blanks up to a width in characters: names need not be ASCII.
std::string padded(const std::string& text, size_t width) {
  size_t length = 0;
  for (const char c : text) length += (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  return text + std::string(length < width ? width - length : 1, ' ');
}

std::string row_of(const ComparedSystem& system) {
  const auto& difference = system.both.difference;
  return padded(printable(system.name), 24) +
         fmt::format("{:<26}{:<26}{:<26}{:<28}{:>7}{:>9}{:>6}\n", cell(system.both.mean),
                     cell(system.percussive), cell(system.harmonic),
                     difference ? cell(difference->mean, true) : "baseline",
                     difference && difference->p ? fmt::format("{:.4f}", *difference->p) : "-",
                     system.both.best ? fmt::format("{:.1f} %", 100.0 * *system.both.best) : "-",
                     system.rank);
}

std::string left_out_text(const std::vector<LeftOutItem>& items) {
  constexpr size_t kShown = 5;
  if (items.empty()) return "";
  std::string text =
      fmt::format("\n{} names are left out, not every system has a score:\n", items.size());
  for (size_t i = 0; i < std::min(kShown, items.size()); ++i) {
    const auto part = [&](const char* what, const std::vector<std::string>& systems) {
      return systems.empty() ? ""
                             : fmt::format("; {}: {}", what,
                                           printable(fmt::format("{}", fmt::join(systems, ", "))));
    };
    text += fmt::format("  {}{}{}\n", printable(items[i].name), part("missing", items[i].missing),
                        part("no score", items[i].unscored));
  }
  if (items.size() > kShown) {
    text += fmt::format("  and {} more; --json lists all\n", items.size() - kShown);
  }
  return text;
}

}  // namespace

OrderedJson Comparison::to_json() const {
  OrderedJson rows = OrderedJson::array(), left = OrderedJson::array();
  for (const ComparedSystem& system : systems) {
    rows.push_back({{"system", system.name},
                    {"rank", system.rank},
                    {"both", cocola::to_json(system.both)},
                    {"harmonic", cocola::to_json(system.harmonic)},
                    {"percussive", cocola::to_json(system.percussive)}});
  }
  for (const LeftOutItem& item : left_out) {
    left.push_back({{"name", item.name}, {"missing", item.missing}, {"unscored", item.unscored}});
  }
  return {{"baseline", baseline},      {"names", num_names},
          {"level", kComparisonLevel}, {"resamples", kComparisonResamples},
          {"seed", kComparisonSeed},   {"systems", rows},
          {"ranking", ranking},        {"left_out", left}};
}

std::string Comparison::to_text() const {
  std::string text = fmt::format(
      "{} systems on {} names, means with 95 % intervals over names; differences are paired\n\n"
      "{:<24}{:<26}{:<26}{:<26}{:<28}{:>7}{:>9}{:>6}\n",
      systems.size(), num_names, "system", "both", "percussive", "harmonic", "both less baseline",
      "p", "best", "rank");
  for (const ComparedSystem& system : systems) text += row_of(system);
  text += "\n";
  for (const std::string& sentence : ranking) text += sentence + "\n";
  if (num_names < kFewClusters) {
    text += fmt::format("\nFewer than {} names: intervals are {}.\n", kFewClusters,
                        num_names < 2 ? "undefined" : "too narrow");
  }
  return text + left_out_text(left_out);
}

}  // namespace cocola
