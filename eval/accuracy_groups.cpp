#include "eval/accuracy_groups.h"

#include <algorithm>
#include <set>

#include "batches/pair_reader.h"
#include "stems/submix.h"

namespace cocola {
namespace {

constexpr const char* kDigits = "0123456789";

// What is left of `text` without digits and separators at either end.
std::string without_numbers(const std::string& text) {
  const std::string numbering = std::string(kDigits) + "_-. ";
  const size_t first = text.find_first_not_of(numbering);
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(numbering) + 1 - first);
}

std::set<std::string> instruments_of(const ShardTrack& track, const std::vector<int>& stems) {
  std::set<std::string> names;
  for (const int stem : stems) {
    names.insert(instrument_of(track.stem_names[static_cast<size_t>(stem)]));
  }
  names.erase("");
  return names;
}

}  // namespace

std::string dataset_of(const std::string& track_name) {
  const size_t slash = track_name.find('/');
  return slash == std::string::npos ? kNoDataset : track_name.substr(0, slash);
}

std::string instrument_of(const std::string& stem_name) {
  std::string name = without_numbers(stem_name.substr(0, stem_name.find('/')));
  std::ranges::transform(name, name.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  return name == "s" ? "" : name;
}

std::map<std::string, std::vector<int64_t>> windows_by_dataset(const ShardSet& shards) {
  std::map<std::string, std::vector<int64_t>> groups;
  for (int64_t w = 0; w < shards.num_windows(); ++w) {
    groups[dataset_of(shards.track_name(shards.track_of(w)))].push_back(w);
  }
  return groups;
}

std::map<InstrumentPair, std::vector<int64_t>> windows_by_instruments(const ShardSet& shards,
                                                                      uint64_t seed) {
  std::map<InstrumentPair, std::vector<int64_t>> groups;
  for (int64_t w = 0; w < shards.num_windows(); ++w) {
    const auto [shard, local] = shards.locate(w);
    const ShardWindow& window = shard->windows()[static_cast<size_t>(local)];
    const ShardTrack& track = shard->tracks()[static_cast<size_t>(window.track)];
    const SubmixChoice choice =
        choose_submixes(window.audible, seed, kEvaluationEpoch, shards.key_of(w));
    const std::set<std::string> positives = instruments_of(track, choice.positive);
    for (const std::string& anchor : instruments_of(track, choice.anchor)) {
      for (const std::string& positive : positives) groups[{anchor, positive}].push_back(w);
    }
  }
  return groups;
}

}  // namespace cocola
