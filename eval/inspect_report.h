// What a file made by these programs is, what it holds, and whether it is intact.
#pragma once
#include <filesystem>
#include <string>

#include "base/json.h"

namespace cocola {

struct InspectReport {
  std::string path;
  // "shard", "shard set", "model", "checkpoint", "safetensors", "config" or "unknown".
  std::string kind = "unknown";
  // Empty when the file is intact: all of it was read, and every digest it carries is right.
  std::string problem;
  OrderedJson facts = OrderedJson::object();  // what could be read, in the order of printing

  bool is_intact() const { return problem.empty(); }
  // {"path", "kind", "intact", "problem" (null when intact), and the facts}.
  OrderedJson to_json() const;
  // For people; control characters of names are replaced.
  std::string to_text() const;
};

// A directory with a manifest, or its manifest, is a shard set; what a file is, is told by its
// first bytes or, for text, by its name. Never throws for what the file holds.
InspectReport inspect(const std::filesystem::path& path);

}  // namespace cocola
