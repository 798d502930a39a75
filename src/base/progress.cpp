#include "base/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace cocola {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_between(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

bool draws_on_terminal() {
  const char* term = std::getenv("TERM");
  return isatty(STDERR_FILENO) != 0 && term != nullptr && std::string_view(term) != "dumb" &&
         std::getenv("NO_COLOR") == nullptr;
}

size_t terminal_width() {
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace

std::string format_duration(double seconds) {
  const auto whole = static_cast<int64_t>(seconds + 0.5);
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} min", whole / 3600, whole % 3600 / 60);
}

Progress::Progress(std::string label, std::string unit, int64_t total, bool enabled)
    : label_(std::move(label)),
      unit_(std::move(unit)),
      total_(total),
      enabled_(enabled),
      terminal_(draws_on_terminal()),
      start_(Clock::now()),
      last_draw_(start_) {}

Progress::~Progress() { finish(); }

void Progress::update(int64_t done, const std::string& note) {
  if (first_ < 0) first_ = done;
  done_ = done;
  note_ = note;
  if (!enabled_) return;
  const double since = seconds_between(last_draw_, Clock::now());
  if (since >= (terminal_ ? 0.2 : 60.0)) draw(false);
}

void Progress::draw(bool last) {
  const Clock::time_point now = Clock::now();
  last_draw_ = now;
  const double elapsed = seconds_between(start_, now);
  const int64_t here = done_ - first_;
  const double rate = elapsed > 0 ? static_cast<double>(here) / elapsed : 0.0;
  std::string line = fmt::format("{}: {} of {} {}, {:.3g}/s", label_, done_, total_, unit_, rate);
  if (last) {
    line += fmt::format(", took {}", format_duration(elapsed));
  } else if (rate > 0 && done_ < total_) {
    line += fmt::format(", {} left", format_duration(static_cast<double>(total_ - done_) / rate));
  }
  if (!note_.empty()) line += "; " + note_;
  if (terminal_) {
    const size_t width = terminal_width();
    if (line.size() >= width) line.resize(width - 1);
    fmt::print(stderr, "\r{:<{}}{}", line, width - 1, last ? "\n" : "");
  } else {
    fmt::print(stderr, "{}\n", line);
  }
  std::fflush(stderr);
  drawn_ = !last;
}

void Progress::finish() {
  if (!enabled_ || first_ < 0) return;
  draw(true);
  enabled_ = false;
}

}  // namespace cocola
