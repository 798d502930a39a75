#include "model/training_tracks.h"

#include <algorithm>
#include <set>
#include <string_view>

#include "base/digest.h"

namespace cocola {
namespace {

constexpr size_t kStride = kTrackHashDigits + 1;  // a hash and its blank

std::string hash_of(const std::string& name) { return digest_of(name).substr(0, kTrackHashDigits); }

std::vector<std::string_view> hashes_of(const std::string& list) {
  std::vector<std::string_view> hashes;
  for (size_t at = 0; at < list.size(); at += kStride) {
    hashes.push_back(std::string_view(list).substr(at, kTrackHashDigits));
  }
  return hashes;
}

}  // namespace

std::string track_list(std::span<const std::string> names) {
  std::set<std::string> hashes;
  for (const std::string& name : names) hashes.insert(hash_of(name));
  std::string list;
  for (const std::string& hash : hashes) {
    if (!list.empty()) list += ' ';
    list += hash;
  }
  return list;
}

bool is_track_list(const std::string& text) {
  if (text.empty()) return true;
  if ((text.size() + 1) % kStride != 0) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool is_digit = (text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f');
    if (i % kStride == kTrackHashDigits ? text[i] != ' ' : !is_digit) return false;
  }
  const std::vector<std::string_view> hashes = hashes_of(text);
  return std::ranges::adjacent_find(hashes, std::ranges::greater_equal()) == hashes.end();
}

std::vector<std::string> tracks_on_list(const std::string& list,
                                        std::span<const std::string> names) {
  const std::vector<std::string_view> hashes = hashes_of(list);
  std::vector<std::string> found;
  for (const std::string& name : names) {
    if (std::ranges::binary_search(hashes, std::string_view(hash_of(name)))) found.push_back(name);
  }
  return found;
}

}  // namespace cocola
