#include "preprocess/rendering/stem_folder.h"

#include <signal.h>
#include <sndfile.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <memory>
#include <string_view>

#include "base/error.h"

namespace cocola {
namespace {

namespace fs = std::filesystem;

constexpr const char* kWhere = "stem_folder";
constexpr std::string_view kUnfinished = ".unfinished.";  // followed by the process that writes

// The temporary name of a folder; removed unless it was renamed.
class PendingFolder {
 public:
  explicit PendingFolder(fs::path folder)
      : folder_(std::move(folder)),
        temporary_(folder_.parent_path() /
                   fmt::format(".{}{}{}", folder_.filename().string(), kUnfinished, getpid())) {
    std::error_code error;
    fs::create_directories(temporary_, error);
    if (error) fail(kWhere, "{}: {}", temporary_.string(), error.message());
  }
  ~PendingFolder() {
    std::error_code ignored;
    fs::remove_all(temporary_, ignored);
  }
  PendingFolder(const PendingFolder&) = delete;
  PendingFolder& operator=(const PendingFolder&) = delete;

  const fs::path& path() const { return temporary_; }
  void publish() {
    std::error_code error;
    fs::rename(temporary_, folder_, error);
    if (error)
      fail(kWhere, "{}: renaming into place failed: {}", folder_.string(), error.message());
  }

 private:
  fs::path folder_, temporary_;
};

void write_flac(const fs::path& path, const std::vector<int16_t>& samples) {
  SF_INFO info{};
  info.samplerate = static_cast<int>(kRenderRateHz);
  info.channels = 1;
  info.format = SF_FORMAT_FLAC | SF_FORMAT_PCM_16;
  std::unique_ptr<SNDFILE, int (*)(SNDFILE*)> file(sf_open(path.c_str(), SFM_WRITE, &info),
                                                   &sf_close);
  if (!file) fail(kWhere, "{}: {}", path.string(), sf_strerror(nullptr));
  double least_effort = 0.0;
  sf_command(file.get(), SFC_SET_COMPRESSION_LEVEL, &least_effort, sizeof(least_effort));
  const auto n = static_cast<sf_count_t>(samples.size());
  const bool is_written = sf_write_short(file.get(), samples.data(), n) == n;
  const bool is_closed = sf_close(file.release()) == 0;
  if (!is_written || !is_closed) fail(kWhere, "{}: not written; is the disk full?", path.string());
}

}  // namespace

void write_stem_folder(const fs::path& folder, const std::vector<RenderedChannel>& channels) {
  PendingFolder pending(folder);
  for (const RenderedChannel& channel : channels) {
    const std::string name = fmt::format("{:02}_{}.flac", channel.channel + 1, channel.family);
    write_flac(pending.path() / name, channel.samples);
  }
  pending.publish();
}

void sweep_unfinished_stem_folders(const fs::path& parent) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(parent, error)) {
    const std::string name = entry.path().filename().string();
    const size_t marker = name.rfind(kUnfinished);
    if (!name.starts_with('.') || marker == std::string::npos) continue;
    pid_t process = 0;
    std::from_chars(name.data() + marker + kUnfinished.size(), name.data() + name.size(), process);
    const bool is_alive = process > 0 && (kill(process, 0) == 0 || errno == EPERM);
    if (!is_alive) fs::remove_all(entry.path(), error);
  }
}

}  // namespace cocola
