// A dataset of a file that may come from strangers: opened under strict rules, then read in rows.
// For the sources of this folder only.
//
// Threads: every function here needs a Hdf5Lock alive in the calling thread.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "shards/hdf5_handle.h"

namespace cocola {

// Largest table, chunk or row that is read into memory at once.
inline constexpr int64_t kMaxBlockBytes = int64_t{256} << 20;

struct Hdf5Dataset {
  Hdf5Handle id, type;
  std::string what;           // "<file>: dataset <name>", for messages
  std::vector<int64_t> dims;  // at least one
  int64_t num_bytes = 0;
  int64_t row_bytes = 0;  // of one index of the first dimension
};

// Throws: Error unless every part of the name is a hard link, the data lie inside this file
//         (no external, virtual or variable-length storage), filters are among shuffle, deflate and
//         fletcher32, the type is a plain integer, real number or fixed-length text, the values
//         were written and are no more than the file can hold, and no size overflows or exceeds its
//         cap.
Hdf5Dataset open_dataset(hid_t file, const std::string& file_name, const std::string& name);

// Rows [first, first + count) into out, converted to memory_type.
void read_rows(const Hdf5Dataset& dataset, int64_t first, int64_t count, hid_t memory_type,
               void* out);

// Where the values lie in the file, when they are contiguous, unfiltered and of the native type.
// Throws: Error when that place reaches beyond file_bytes (a truncated file).
std::optional<int64_t> direct_offset(const Hdf5Dataset& dataset, hid_t native_type,
                                     int64_t file_bytes);

// Digest of all values in row-major order, in the dataset's own type with little-endian bytes.
std::string digest_of_dataset(const Hdf5Dataset& dataset);

// A whole table. Throws: Error when its type is not of that class or its dims differ from expected
// (-1: any).
std::vector<int64_t> read_integers(const Hdf5Dataset& dataset, const std::vector<int64_t>& dims);
std::vector<float> read_reals(const Hdf5Dataset& dataset, const std::vector<int64_t>& dims);
std::vector<std::string> read_texts(const Hdf5Dataset& dataset, const std::vector<int64_t>& dims);

void require_dims(const Hdf5Dataset& dataset, const std::vector<int64_t>& expected);

}  // namespace cocola
