#include "eval/pair_list.h"

#include <map>

#include "audio/audio_file.h"
#include "base/csv.h"
#include "base/error.h"

namespace cocola {
namespace {

namespace fs = std::filesystem;

// Audio files below a folder by their path in it, without extension.
std::map<std::string, std::string> files_by_name(const std::string& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const fs::path& path = entry.path();
    if (!has_audio_extension(path) || !entry.is_regular_file()) continue;
    const std::string name = path.lexically_relative(folder).replace_extension().string();
    const auto [other, is_new] = files.emplace(name, path.string());
    if (is_new) continue;
    fail("pairs", "{} and {} differ by their extension alone; keep one of them", other->second,
         path.string());
  }
  if (files.empty()) fail("pairs", "{}: no audio files below this folder", folder);
  return files;
}

PairList pairs_of_folders(const std::string& a, const std::string& b) {
  const std::map<std::string, std::string> files_a = files_by_name(a), files_b = files_by_name(b);
  PairList list;
  for (const auto& [name, file] : files_a) {
    const auto partner = files_b.find(name);
    if (partner == files_b.end()) {
      list.unmatched_a.push_back(file);
    } else {
      list.pairs.push_back({.a = file, .b = partner->second, .name = name, .system = ""});
    }
  }
  for (const auto& [name, file] : files_b) {
    if (!files_a.contains(name)) list.unmatched_b.push_back(file);
  }
  if (list.pairs.empty()) {
    fail("pairs",
         "{} and {}: no file of one has the name of a file of the other (first names: {}, {}); "
         "paths below the folders must be equal but for the extension",
         a, b, files_a.begin()->first, files_b.begin()->first);
  }
  return list;
}

NamedPair named_after_b(std::string a, std::string b) {
  std::string name = fs::path(b).stem().string();
  return {.a = std::move(a), .b = std::move(b), .name = std::move(name), .system = ""};
}

}  // namespace

PairList pairs_of_two(const std::string& a, const std::string& b) {
  if (fs::is_directory(a) != fs::is_directory(b)) {
    fail_usage("pairs",
               "{} is a folder, {} is none: give two files or two folders, or --candidates",
               fs::is_directory(a) ? a : b, fs::is_directory(a) ? b : a);
  }
  if (fs::is_directory(a)) return pairs_of_folders(a, b);
  return {.pairs = {named_after_b(a, b)}, .unmatched_a = {}, .unmatched_b = {}};
}

PairList pairs_of_candidates(const std::vector<std::string>& mix_and_candidates) {
  if (mix_and_candidates.size() < 2) {
    fail_usage("--candidates", "{} files given; a mix and at least one candidate are needed",
               mix_and_candidates.size());
  }
  const std::string& mix = mix_and_candidates.front();
  if (fs::is_directory(mix)) fail_usage("--candidates", "{} is a folder; name a mix first", mix);
  PairList list;
  for (size_t i = 1; i < mix_and_candidates.size(); ++i) {
    const std::string& candidate = mix_and_candidates[i];
    if (!fs::is_directory(candidate)) {
      list.pairs.push_back(named_after_b(mix, candidate));
      continue;
    }
    for (const auto& [name, file] : files_by_name(candidate)) {
      list.pairs.push_back({.a = mix, .b = file, .name = name, .system = ""});
    }
  }
  return list;
}

PairList pairs_of_csv(const fs::path& path) {
  const CsvTable table = read_csv(path);
  for (const char* column : {"a", "b"}) {
    if (table.has_column(column)) continue;
    std::string found;
    for (const std::string& name : table.columns()) found += (found.empty() ? "" : ", ") + name;
    fail("pairs", "{}: has no column '{}'; its columns: {}; needed: a, b; at will: name, system",
         path.string(), column, found);
  }
  const auto text = [&](size_t row, const char* column) {
    return table.has_column(column) ? table.text(row, table.column(column)) : "";
  };
  PairList list;
  for (size_t row = 0; row < table.num_rows(); ++row) {
    for (const char* column : {"a", "b"}) {
      if (!text(row, column).empty()) continue;
      fail("pairs", "{}, line {}: column {} is empty; it names a file", path.string(),
           table.line(row), column);
    }
    const auto file = [&](const char* column) {
      return (path.parent_path() / text(row, column)).string();
    };
    NamedPair pair = named_after_b(file("a"), file("b"));
    if (const std::string name = text(row, "name"); !name.empty()) pair.name = name;
    pair.system = text(row, "system");
    for (const char* label : {"item", "song", "stem"}) {
      if (table.has_column(label)) pair.labels.emplace_back(label, text(row, label));
    }
    list.pairs.push_back(std::move(pair));
  }
  if (list.pairs.empty()) fail("pairs", "{}: has no rows", path.string());
  return list;
}

}  // namespace cocola
