// Progress of a long task on standard error: one redrawn line on a terminal, a plain line a minute
// elsewhere.
#pragma once
#include <chrono>
#include <cstdint>
#include <string>

namespace cocola {

// Redraws at most 5 times a second on a terminal; in a file or pipe, under TERM=dumb or NO_COLOR it
// writes whole lines only, never "\r" or colour codes. Silent when `enabled` is false (ranks other
// than 0). One thread.
class Progress {
 public:
  // unit: what is counted, plural ("tracks", "steps").
  Progress(std::string label, std::string unit, int64_t total, bool enabled);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // done in [0, total]; note is appended ("loss 2.31 ...").
  void update(int64_t done, const std::string& note = "");
  // Ends the line so that other output can follow. Called by the destructor.
  void finish();

 private:
  void draw(bool last);
  std::string label_, unit_, note_;
  int64_t total_, first_ = -1, done_ = 0;
  bool enabled_, terminal_, drawn_ = false;
  std::chrono::steady_clock::time_point start_, last_draw_;
};

// "42 s", "3 min 10 s", "2 h 05 min".
std::string format_duration(double seconds);

}  // namespace cocola
