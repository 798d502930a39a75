#include "eval/recording_cache.h"

#include <algorithm>
#include <utility>

namespace cocola {

RecordingCache::RecordingCache(const TrainedModel& model, std::vector<RecordingUse> uses,
                               Reader reader, int64_t max_rows)
    : model_(model), uses_(std::move(uses)), reader_(std::move(reader)), max_rows_(max_rows) {}

RecordingCache::Entry RecordingCache::read(size_t file) const {
  const RecordingUse& use = uses_[file];
  Entry entry;
  try {
    entry.embeddings = embed_windows(model_, reader_(use.file), use.windows);
    entry.num_rows = entry.embeddings.both.defined() ? entry.embeddings.both.size(0) : 0;
  } catch (const Error& problem) {
    entry.problem = problem;
  }
  return entry;
}

const RecordingEmbeddings& RecordingCache::take(size_t file) {
  auto found = entries_.find(file);
  if (found == entries_.end()) {
    make_room();
    found = entries_.emplace(file, read(file)).first;
    num_rows_ += found->second.num_rows;
  }
  Entry& entry = found->second;
  entry.last_taken = ++clock_;
  if (entry.problem) throw Error(*entry.problem);
  return entry.embeddings;
}

void RecordingCache::release(size_t file) {
  if (--uses_[file].num_uses > 0) return;
  if (const auto found = entries_.find(file); found != entries_.end()) forget(found);
}

void RecordingCache::forget(std::map<size_t, Entry>::iterator entry) {
  num_rows_ -= entry->second.num_rows;
  entries_.erase(entry);
}

// Those not taken for the longest time go first; the one taken last may be half of a pair.
void RecordingCache::make_room() {
  while (num_rows_ > max_rows_ && entries_.size() > 1) {
    forget(std::ranges::min_element(entries_, {},
                                    [](const auto& entry) { return entry.second.last_taken; }));
  }
}

}  // namespace cocola
