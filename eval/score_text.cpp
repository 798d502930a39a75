// The scores of a ScoreSet for people.
#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "eval/score_set.h"

namespace cocola {
namespace {

constexpr size_t kWorstWindows = 3;

std::string line_of(const char* name, const std::optional<ScoreStatistics>& score,
                    const std::optional<ScorePlace>& place) {
  if (!score) return fmt::format("  {:<11}{:>9}\n", name, "none");
  std::string line =
      fmt::format("  {:<11}{:>9.4f}   spread {:.4f}", name, score->mean, score->spread);
  if (place) {
    line += fmt::format("   above {:.1f} % of true pairs, {:.1f} % of mismatched ones",
                        place->true_pairs, place->mismatched);
  }
  return line + "\n";
}

std::string cell(const std::optional<double>& value) {
  return value ? fmt::format("{:>11.4f}", *value) : fmt::format("{:>11}", "-");
}

std::string cell(const std::optional<ScoreStatistics>& score) {
  return cell(score ? std::optional(score->mean) : std::nullopt);
}

std::string clock(double seconds) {
  const auto tenths = static_cast<int64_t>(seconds * 10.0 + 0.5);
  return fmt::format("{}:{:02}.{}", tenths / 600, tenths / 10 % 60, tenths % 10);
}

// Index of the windows with the lowest `both`, the lowest first; none where every window is one.
std::vector<size_t> worst_windows(const std::vector<WindowScore>& curve) {
  std::vector<size_t> windows;
  for (size_t i = 0; i < curve.size(); ++i) {
    if (curve[i].both) windows.push_back(i);
  }
  std::ranges::stable_sort(windows, {}, [&](size_t i) { return *curve[i].both; });
  windows.resize(windows.size() > kWorstWindows ? kWorstWindows : 0);
  return windows;
}

std::string curve_text(const std::vector<WindowScore>& curve) {
  std::string text =
      fmt::format("\n  {:>9}{:>11}{:>11}{:>11}\n", "from", "both", "harmonic", "percussive");
  const std::vector<size_t> worst = worst_windows(curve);
  for (size_t i = 0; i < curve.size(); ++i) {
    const auto place = std::ranges::find(worst, i);
    const std::string mark = !curve[i].both ? "  silent"
                             : place != worst.end()
                                 ? fmt::format("  worst {}", place - worst.begin() + 1)
                                 : "";
    text += fmt::format("  {:>9}{}{}{}{}\n", clock(curve[i].start_seconds), cell(curve[i].both),
                        cell(curve[i].harmonic), cell(curve[i].percussive), mark);
  }
  return text;
}

std::string block_of(const ScoredPair& scored, const std::optional<Calibration>& calibration,
                     bool with_curve) {
  const auto& [pair, score, problem] = scored;
  const PairPlaces places = places_of(score, calibration);
  std::string text = fmt::format("{}\n{}\n", printable(pair.a), printable(pair.b));
  text += line_of("both", score.both, places.both) +
          line_of("harmonic", score.harmonic, places.harmonic) +
          line_of("percussive", score.percussive, places.percussive);
  text += fmt::format("  over {} windows, {} left out as silent\n", score.num_windows,
                      score.num_silent_windows);
  if (const std::string reason = scored.reason(); !reason.empty()) {
    text += fmt::format("  none: {}\n", printable(reason));
  }
  if (with_curve && !score.curve.empty()) text += curve_text(score.curve);
  return text;
}

std::string table_of(const ScoreSet& set, bool ranked) {
  const bool with_systems = !set.systems().empty();
  const auto names = [&](const std::string& pair, const std::string& system) {
    return fmt::format("{:<32}", pair) + (with_systems ? fmt::format("  {:<16}", system) : "");
  };
  std::string text = (ranked ? "rank  " : "") + names("pair", "system") +
                     fmt::format("{:>11}{:>11}{:>11}{:>11}{:>9}{:>8}", "both", "spread", "harmonic",
                                 "percussive", "windows", "silent");
  text += set.calibration ? fmt::format("{:>18}\n", "beats mismatched") : "\n";
  int64_t rank = 0;
  for (const ScoredPair& scored : set.scores) {
    const auto& [pair, score, problem] = scored;
    if (ranked) text += score.both ? fmt::format("{:>4}  ", ++rank) : "   -  ";
    const std::string spread = score.both ? fmt::format("{:.4f}", score.both->spread) : "-";
    text += names(printable(pair.name), printable(pair.system));
    text += fmt::format("{}{:>11}{}{}{:>9}{:>8}", cell(score.both), spread, cell(score.harmonic),
                        cell(score.percussive), score.num_windows, score.num_silent_windows);
    if (const auto place = places_of(score, set.calibration).both) {
      text += fmt::format("{:>16.1f} %", place->mismatched);
    }
    text += score.both ? "\n" : fmt::format("  none: {}\n", printable(scored.reason()));
  }
  return text;
}

std::string systems_text(const std::vector<SystemScores>& systems) {
  std::string text = fmt::format("\n{:<32}{:>7}{:>11}{:>11}{:>11}\n", "mean of system", "pairs",
                                 "both", "harmonic", "percussive");
  for (const SystemScores& system : systems) {
    text += fmt::format("{:<32}{:>7}{}{}{}\n", printable(system.name), system.num_pairs,
                        cell(system.both), cell(system.harmonic), cell(system.percussive));
  }
  return text;
}

}  // namespace

std::string ScoreSet::to_text(bool ranked, bool with_curve) const {
  std::string text;
  if (scores.size() == 1 && !ranked) return block_of(scores[0], calibration, with_curve);
  text = table_of(*this, ranked);
  if (const auto rows = systems(); !rows.empty()) text += systems_text(rows);
  if (!with_curve) return text;
  for (const ScoredPair& scored : scores) text += "\n" + block_of(scored, calibration, true);
  return text;
}

}  // namespace cocola
