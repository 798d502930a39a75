// A matrix of real numbers in any HDF5 file, such as embeddings another program wrote.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace cocola {

struct RealMatrix {
  int64_t num_rows = 0, num_columns = 0;
  std::vector<double> values;  // row by row
};

// Values that are read at most: 4 GiB of them.
inline constexpr int64_t kMaxMatrixValues = int64_t{1} << 29;

// Throws: Error naming file and dataset unless it is a matrix of floating-point numbers, stored in
//         this file alone, with no more values than kMaxMatrixValues and than the file can hold.
RealMatrix read_real_matrix(const std::filesystem::path& path, const std::string& dataset);

}  // namespace cocola
