#include "base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>

namespace cocola {
namespace {

int64_t speaker_rank = 0;
int64_t speaker_world = 1;

spdlog::logger& logger() {
  static const auto instance = [] {
    auto made = std::make_shared<spdlog::logger>("cocola",
                                                 std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%v");
    made->flush_on(spdlog::level::info);
    return made;
  }();
  return *instance;
}

}  // namespace

void set_log_rank(int64_t rank, int64_t world_size) {
  speaker_rank = rank;
  speaker_world = world_size;
}

std::string printable(const std::string& text) {
  std::string shown;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const auto next = static_cast<unsigned char>(i + 1 < text.size() ? text[i + 1] : '\0');
    const bool two_byte_control = byte == 0xc2 && next >= 0x80 && next < 0xa0;  // U+0080 to U+009F
    const bool control = (byte < 0x20 && byte != '\t') || byte == 0x7f || two_byte_control;
    shown += control ? '?' : text[i];
    if (two_byte_control) ++i;
  }
  return shown;
}

void log_line(LogLevel level, const std::string& text) {
  if (level == LogLevel::info && speaker_rank != 0) return;
  std::string line = printable(text);
  if (speaker_rank != 0) line = fmt::format("rank {} of {}: {}", speaker_rank, speaker_world, line);
  if (level == LogLevel::warning) line = "warning: " + line;
  if (level == LogLevel::error) line = "error: " + line;
  logger().log(spdlog::level::info, "{}", line);
}

}  // namespace cocola
