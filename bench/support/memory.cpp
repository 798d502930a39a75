#include "support/memory.h"

#include <malloc.h>

#include <fstream>
#include <string>

#include "base/error.h"

namespace cocola::bench {
namespace {

int64_t bytes_from_status(const std::string& key) {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    int64_t kilobytes = 0;
    if (word == key && status >> kilobytes) return 1024 * kilobytes;
  }
  fail("bench", "/proc/self/status has no {}", key);
}

}  // namespace

int64_t peak_bytes_of(const std::function<void()>& work) {
  malloc_trim(0);
  std::ofstream peak("/proc/self/clear_refs");
  if (!(peak << "5" << std::flush)) fail("bench", "/proc/self/clear_refs cannot be written");
  const int64_t before = bytes_from_status("VmRSS:");
  work();
  return bytes_from_status("VmHWM:") - before;
}

}  // namespace cocola::bench
