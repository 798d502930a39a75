// The one way to fail: libraries throw Error, programs turn it into one line and an exit status.
#pragma once
#include <fmt/format.h>

#include <stdexcept>
#include <string>

namespace cocola {

// A failure the user can act on. what() reads "[where] message"; the message names the offending
// value, the allowed range, the file, and what to do.
class Error : public std::runtime_error {
 public:
  Error(const std::string& where, const std::string& message)
      : std::runtime_error("[" + where + "] " + message), where_(where), message_(message) {}

  const std::string& where() const noexcept { return where_; }
  const std::string& message() const noexcept { return message_; }

 private:
  std::string where_;
  std::string message_;
};

// Wrong usage or configuration, found before any work: exit status 2 instead of 1. From validate(),
// where() is the key.
class UsageError : public Error {
 public:
  using Error::Error;
};

// Throws Error with a formatted message.
template <typename... Args>
[[noreturn]] void fail(const std::string& where, fmt::format_string<Args...> text, Args&&... args) {
  throw Error(where, fmt::format(text, std::forward<Args>(args)...));
}

// Throws UsageError with a formatted message.
template <typename... Args>
[[noreturn]] void fail_usage(const std::string& where, fmt::format_string<Args...> text,
                             Args&&... args) {
  throw UsageError(where, fmt::format(text, std::forward<Args>(args)...));
}

// Throws UsageError naming the key unless value lies in [lowest, highest]; NaN lies nowhere.
template <typename Number>
void require_range(const std::string& key, Number value, Number lowest, Number highest) {
  if (value >= lowest && value <= highest) return;
  fail_usage(key, "{} is outside [{}, {}]", value, lowest, highest);
}

}  // namespace cocola
