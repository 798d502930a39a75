// The types of base/json.h for headers that only name them: a quarter of its compile time.
#pragma once
#include <nlohmann/json_fwd.hpp>

namespace cocola {

using Json = nlohmann::json;
using OrderedJson = nlohmann::ordered_json;

}  // namespace cocola
