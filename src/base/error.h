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
      : std::runtime_error("[" + where + "] " + message) {}
};

// Wrong usage or configuration, found before any work: exit status 2 instead of 1.
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

}  // namespace cocola
