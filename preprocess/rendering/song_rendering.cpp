#include "preprocess/rendering/song_rendering.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>

#include "base/process.h"
#include "base/progress.h"
#include "preprocess/rendering/stem_folder.h"

namespace cocola {
namespace {

namespace fs = std::filesystem;

// What the threads share. They take songs by turns; the report is behind a lock.
class Rendering {
 public:
  Rendering(const std::vector<MidiSong>& songs, const SoundFont& font, const fs::path& out,
            double max_seconds)
      : songs_(songs),
        font_(font),
        out_(out),
        max_seconds_(max_seconds),
        progress_("rendering", "songs", static_cast<int64_t>(songs.size()), true) {}

  RenderReport run() {
    const size_t num_threads = std::min(static_cast<size_t>(available_cores()), songs_.size());
    std::vector<std::thread> threads;
    for (size_t i = 0; i < num_threads; ++i) threads.emplace_back([this] { work(); });
    for (std::thread& thread : threads) thread.join();
    progress_.finish();
    if (failure_) std::rethrow_exception(failure_);
    std::sort(report_.skipped.begin(), report_.skipped.end());
    report_.is_stopped = num_done_ < static_cast<int64_t>(songs_.size());
    return std::move(report_);
  }

 private:
  void work() {
    try {
      for (size_t i = next_++; i < songs_.size() && !stop_requested(); i = next_++) {
        render(songs_[i]);
      }
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!failure_) failure_ = std::current_exception();
      next_ = songs_.size();
    }
  }

  void render(const MidiSong& song) {
    const fs::path folder = out_ / song.name;
    const bool is_there = fs::exists(folder);
    std::vector<RenderedChannel> channels;
    if (!is_there) {
      channels = font_.render(song.bytes, max_seconds_);
      if (channels.size() >= 2) write_stem_folder(folder, channels);
    }
    const std::lock_guard lock(mutex_);
    if (is_there) {
      ++report_.num_kept;
    } else if (channels.size() >= 2) {
      ++report_.num_rendered;
    } else {
      report_.skipped.push_back(song.name);
    }
    progress_.update(++num_done_, song.name);
  }

  const std::vector<MidiSong>& songs_;
  const SoundFont& font_;
  const fs::path& out_;
  const double max_seconds_;
  std::atomic<size_t> next_{0};
  std::mutex mutex_;
  Progress progress_;
  RenderReport report_;
  std::exception_ptr failure_;
  int64_t num_done_ = 0;
};

}  // namespace

RenderReport render_songs(const std::vector<MidiSong>& songs, const SoundFont& font,
                          const fs::path& out, double max_seconds) {
  fs::create_directories(out);
  sweep_unfinished_stem_folders(out);
  return Rendering(songs, font, out, max_seconds).run();
}

}  // namespace cocola
