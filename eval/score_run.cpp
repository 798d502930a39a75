#include "eval/score_run.h"

#include <ATen/ops/zeros.h>

#include <algorithm>
#include <map>
#include <numeric>

#include "audio/audio_file.h"
#include "base/error.h"
#include "base/json.h"
#include "base/progress.h"
#include "eval/recording_cache.h"

namespace cocola {
namespace {

// The distinct files of a list, and those of each pair by number.
struct FileTable {
  std::vector<std::string> files;
  std::vector<const NamedPair*> first_pair;  // of each file
  std::vector<std::pair<size_t, size_t>> of_pair;
};

FileTable number_files(const std::vector<NamedPair>& pairs) {
  FileTable table;
  std::map<std::string, size_t> numbers;
  const auto number_of = [&](const std::string& file, const NamedPair& pair) {
    const auto [entry, is_new] = numbers.emplace(file, table.files.size());
    if (is_new) {
      table.files.push_back(file);
      table.first_pair.push_back(&pair);
    }
    return entry->second;
  };
  for (const NamedPair& pair : pairs) {
    const size_t a = number_of(pair.a, pair);
    table.of_pair.emplace_back(a, number_of(pair.b, pair));
  }
  return table;
}

// Samples at the model's rate, as the headers promise; reading less is an error of the reader.
int64_t promised_length(const std::string& path, int64_t rate) {
  const AudioFile file(path);
  return (file.num_samples() * rate + file.sample_rate_hz() - 1) / file.sample_rate_hz();
}

void read_lengths(const FileTable& table, int64_t rate, int64_t* lengths) {
  int64_t num_bad = 0;
  std::string first;
  for (size_t i = 0; i < table.files.size(); ++i) {
    try {
      lengths[i] = promised_length(table.files[i], rate);
    } catch (const Error& e) {
      if (++num_bad == 1)
        first = fmt::format("pair {}: {}", table.first_pair[i]->name, e.message());
    }
  }
  if (num_bad == 0) return;
  fail("score", "{}{}; nothing was scored", first,
       num_bad > 1 ? fmt::format(" (and {} more such files)", num_bad - 1) : "");
}

// Windows of every pair of this rank, and from them what is needed of every file.
struct Work {
  std::vector<size_t> pairs;
  std::vector<std::vector<WindowPlace>> windows;  // of each of `pairs`
  std::vector<RecordingUse> uses;                 // of each file of the list
};

Work plan_work(const FileTable& table, std::vector<size_t> pairs, const int64_t* lengths,
               int64_t window_samples, double hop) {
  Work work{.pairs = std::move(pairs), .windows = {}, .uses = {}};
  for (const std::string& file : table.files) {
    work.uses.push_back({.file = file, .windows = {}, .num_uses = 0});
  }
  for (const size_t pair : work.pairs) {
    const auto [a, b] = table.of_pair[pair];
    work.windows.push_back(shared_windows(lengths[a], lengths[b], window_samples, hop));
    for (const size_t file : {a, b}) {
      RecordingUse& use = work.uses[file];
      use.windows.insert(use.windows.end(), work.windows.back().begin(), work.windows.back().end());
      ++use.num_uses;
    }
  }
  return work;
}

// One row for each pair of this rank: its number, its curve and its problem.
Json score_own(const TrainedModel& model, const FileTable& table, const Work& work,
               bool show_progress) {
  RecordingCache cache(model, work.uses, [&](const std::string& file) {
    return read_waveform(file, model.card.sample_rate_hz);
  });
  Progress progress("scoring", "pairs", std::ssize(work.pairs),
                    show_progress && work.pairs.size() > 1);
  Json rows = Json::array();
  for (size_t i = 0; i < work.pairs.size(); ++i) {
    const auto [a, b] = table.of_pair[work.pairs[i]];
    PairScore score;
    std::string problem;
    try {
      const RecordingEmbeddings& left = cache.take(a);
      score = score_embedded(model, left, cache.take(b), work.windows[i]);
    } catch (const Error& e) {
      problem = e.message();
    }
    cache.release(a);
    cache.release(b);
    rows.push_back({{"pair", work.pairs[i]},
                    {"curve", Json(curve_to_json(score.curve))},
                    {"problem", problem}});
    progress.update(static_cast<int64_t>(i) + 1);
  }
  return rows;
}

}  // namespace

std::vector<size_t> pairs_of_rank(const std::vector<NamedPair>& pairs, int64_t rank,
                                  int64_t world_size) {
  std::map<std::string, size_t> first_with;
  for (size_t i = 0; i < pairs.size(); ++i) first_with.emplace(pairs[i].a, i);
  std::vector<size_t> order(pairs.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, {}, [&](size_t i) { return first_with.at(pairs[i].a); });
  const int64_t n = std::ssize(pairs);
  return {order.begin() + rank * n / world_size, order.begin() + (rank + 1) * n / world_size};
}

std::vector<ScoredPair> score_pairs(const TrainedModel& model, const std::vector<NamedPair>& pairs,
                                    double hop, Communicator& world) {
  const FileTable table = number_files(pairs);
  std::string names;
  for (const NamedPair& pair : pairs) names += pair.a + "\t" + pair.b + "\n";
  require_equal_everywhere(world, "the list of pairs", names);
  const at::Tensor lengths = at::zeros({std::ssize(table.files)}, at::kLong);
  if (world.is_rank_zero()) {
    read_lengths(table, model.card.sample_rate_hz, lengths.mutable_data_ptr<int64_t>());
  }
  world.broadcast(lengths);
  const Work work = plan_work(table, pairs_of_rank(pairs, world.rank(), world.world_size()),
                              lengths.const_data_ptr<int64_t>(), model.window_samples(), hop);
  const Json own = score_own(model, table, work, world.is_rank_zero());

  std::vector<ScoredPair> scores(pairs.size());
  for (const std::string& text :
       gather_texts(world, own.dump(-1, ' ', false, Json::error_handler_t::replace))) {
    for (const Json& row : parse_json_strictly(text, "scores of a rank")) {
      const auto i = row.at("pair").get<size_t>();
      scores[i] = {.pair = pairs[i],
                   .score = summarise_curve(curve_from_json(row.at("curve"))),
                   .problem = row.at("problem").get<std::string>()};
    }
  }
  return scores;
}

}  // namespace cocola
