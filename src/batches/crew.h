// Threads whose end is waited for only so long: one that is stuck in a read of a file system that
// does not answer must not hold up the rest of the program.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

namespace cocola {

// Requires: `work` keeps alive what it uses, and is told by other means to return early.
class Crew {
 public:
  Crew();
  // Waits a moment for all threads; those still at work are left behind with a warning.
  ~Crew();
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  // Each of num_threads threads runs its own copy of `work` once. Requires: work does not throw.
  void start(int64_t num_threads, const std::function<void()>& work);

 private:
  struct Attendance;
  std::shared_ptr<Attendance> attendance_;
  std::vector<std::thread> threads_;
};

}  // namespace cocola
