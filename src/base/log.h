// Lines for people on standard error. Rank 0 speaks; other ranks only warn, with their rank named.
#pragma once
#include <fmt/format.h>

#include <cstdint>
#include <string>

namespace cocola {

enum class LogLevel { info, warning, error };

// Sets who speaks: informational lines of ranks other than 0 are dropped. Called once, after the
// world is known.
void set_log_rank(int64_t rank, int64_t world_size);

// Control characters replaced by '?': ASCII's but the tab, and U+0080 to U+009F in UTF-8, some of
// which terminals obey like ESC.
std::string printable(const std::string& text);

// Writes one line; control characters in `text` are replaced, so that a file name cannot drive the
// terminal.
void log_line(LogLevel level, const std::string& text);

template <typename... Args>
void log_info(fmt::format_string<Args...> text, Args&&... args) {
  log_line(LogLevel::info, fmt::format(text, std::forward<Args>(args)...));
}
template <typename... Args>
void log_warning(fmt::format_string<Args...> text, Args&&... args) {
  log_line(LogLevel::warning, fmt::format(text, std::forward<Args>(args)...));
}

}  // namespace cocola
