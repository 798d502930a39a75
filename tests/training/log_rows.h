// What a training wrote to its log.
#pragma once
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"

namespace cocola::testing {

// Those of one kind, in order.
inline std::vector<Json> log_of(const std::filesystem::path& directory, const std::string& kind) {
  std::ifstream file(directory / "log.jsonl");
  std::vector<Json> rows;
  for (std::string line; std::getline(file, line);) {
    Json row = Json::parse(line);
    if (row["kind"] == kind) rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace cocola::testing
