#include "support/page_cache.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <vector>

#include "base/error.h"

namespace cocola::bench {
namespace {

[[noreturn]] void fail_on(const std::filesystem::path& file) {
  fail("bench", "{}: {}", file.string(), std::system_category().message(errno));
}

// Closed when it goes.
struct OpenFile {
  int descriptor;
  explicit OpenFile(const std::filesystem::path& file)
      : descriptor(::open(file.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (descriptor < 0) fail_on(file);
  }
  ~OpenFile() { ::close(descriptor); }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
};

double resident_share(const OpenFile& open, const std::filesystem::path& file, size_t size) {
  void* const pages = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, open.descriptor, 0);
  if (pages == MAP_FAILED) fail_on(file);
  const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  std::vector<unsigned char> resident((size + page - 1) / page);
  const int status = ::mincore(pages, size, resident.data());
  ::munmap(pages, size);
  if (status != 0) fail_on(file);
  const auto count = std::ranges::count_if(resident, [](unsigned char bits) { return bits & 1; });
  return static_cast<double>(count) / static_cast<double>(resident.size());
}

}  // namespace

double evict(const std::filesystem::path& file) {
  const auto size = static_cast<size_t>(std::filesystem::file_size(file));
  if (size == 0) return 0.0;
  const OpenFile open(file);
  // Pages that are not on the disk yet would stay.
  if (::fdatasync(open.descriptor) != 0) fail_on(file);
  if (const int error = ::posix_fadvise(open.descriptor, 0, 0, POSIX_FADV_DONTNEED); error != 0) {
    errno = error;
    fail_on(file);
  }
  return resident_share(open, file, size);
}

}  // namespace cocola::bench
