// How much memory a piece of work takes.
#pragma once
#include <cstdint>
#include <functional>

namespace cocola::bench {

// Bytes by which this process grows at most while `work` runs, as the system counts them.
// Throws: Error where /proc does not tell.
int64_t peak_bytes_of(const std::function<void()>& work);

}  // namespace cocola::bench
