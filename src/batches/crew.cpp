#include "batches/crew.h"

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "base/log.h"

namespace cocola {
namespace {

// Far longer than making a pair takes.
constexpr std::chrono::seconds kLongestFarewell{2};

}  // namespace

struct Crew::Attendance {
  std::mutex mutex;
  std::condition_variable left;
  int64_t num_working = 0;
};

Crew::Crew() : attendance_(std::make_shared<Attendance>()) {}

Crew::~Crew() {
  bool all_left = false;
  {
    std::unique_lock lock(attendance_->mutex);
    all_left = attendance_->left.wait_for(lock, kLongestFarewell,
                                          [&] { return attendance_->num_working == 0; });
  }
  if (!all_left) log_warning("threads that read shards do not return; going on without them");
  for (std::thread& thread : threads_) all_left ? thread.join() : thread.detach();
}

void Crew::start(int64_t num_threads, const std::function<void()>& work) {
  for (int64_t i = 0; i < num_threads; ++i) {
    // A thread that cannot be started is not waited for.
    threads_.emplace_back([attendance = attendance_, task = work]() mutable {
      task();
      task = nullptr;  // what it kept alive goes before the farewell
      const std::lock_guard lock(attendance->mutex);
      --attendance->num_working;
      attendance->left.notify_all();
    });
    const std::lock_guard lock(attendance_->mutex);
    ++attendance_->num_working;
  }
}

}  // namespace cocola
