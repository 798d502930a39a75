// Members of JSON objects from files.
#pragma once
#include <limits>
#include <string>
#include <type_traits>

#include "base/error.h"
#include "base/json.h"

namespace cocola {

// Throws: Error naming `origin` and the key when it is missing.
inline const Json& json_member(const Json& object, const char* key, const std::string& origin) {
  if (!object.is_object() || !object.contains(key)) {
    fail("json", "{}: key \"{}\" is missing", origin, key);
  }
  return object.at(key);
}

// T: bool, std::string, int64_t or uint64_t. Throws: Error naming `origin` and the key when it is
// missing, of another kind or out of T's range.
template <typename T>
T json_member_as(const Json& object, const char* key, const std::string& origin) {
  const Json& value = json_member(object, key, origin);
  bool right = false;
  if constexpr (std::is_same_v<T, bool>) {
    right = value.is_boolean();
  } else if constexpr (std::is_same_v<T, std::string>) {
    right = value.is_string();
  } else {
    right = value.is_number_unsigned()
                ? value.get<uint64_t>() <= static_cast<uint64_t>(std::numeric_limits<T>::max())
                : value.is_number_integer() && std::is_signed_v<T>;
  }
  if (!right) {
    fail("json", "{}: key \"{}\" has the unusable value {}", origin, key,
         value.dump(-1, ' ', true, Json::error_handler_t::replace));
  }
  return value.get<T>();
}

}  // namespace cocola
