#include "base/json.h"

#include <set>
#include <vector>

#include "base/error.h"

namespace cocola {
namespace {

constexpr int kMaxDepth = 16;

}  // namespace

Json parse_json_strictly(std::string_view text, const std::string& origin) {
  std::vector<std::set<std::string>> keys;
  const Json::parser_callback_t check = [&](int depth, Json::parse_event_t event, Json& parsed) {
    if (depth > kMaxDepth) fail("json", "{}: nested deeper than {} levels", origin, kMaxDepth);
    if (event == Json::parse_event_t::object_start) keys.emplace_back();
    if (event == Json::parse_event_t::object_end) keys.pop_back();
    if (event == Json::parse_event_t::key &&
        !keys.back().insert(parsed.get<std::string>()).second) {
      fail("json", "{}: key \"{}\" appears twice in one object", origin, parsed.get<std::string>());
    }
    return true;
  };
  try {
    return Json::parse(text, check);
  } catch (const nlohmann::json::exception& e) {
    fail("json", "{}: {}", origin, e.what());
  }
}

}  // namespace cocola
