// JSON from strangers: bounded depth, no duplicate keys, errors that name the file.
#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/json_fwd.h"

namespace cocola {

// Throws: Error naming `origin` for invalid JSON or UTF-8, depth over 16, or a duplicate key at any
// level.
Json parse_json_strictly(std::string_view text, const std::string& origin);

}  // namespace cocola
