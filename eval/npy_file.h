// Matrices in NumPy's .npy files.
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

namespace cocola {

// A matrix of little-endian float16, float32 or float64, in C or Fortran order, header version 1, 2
// or 3. Of any size: rows are read a stretch at a time.
//
// Threads: one at a time.
class NpyMatrix {
 public:
  // Throws: Error naming the file for another type (object arrays above all, which only Python
  //         could read), another number of dimensions, a header that is not exactly what NumPy
  //         writes, and a size that is not that of the data.
  explicit NpyMatrix(const std::filesystem::path& path);

  int64_t num_rows() const { return num_rows_; }
  int64_t num_columns() const { return num_columns_; }

  // Rows [first, first + count) as [count, d] float64.
  // Requires: they lie in [0, num_rows()).
  at::Tensor read_rows(int64_t first, int64_t count) const;

 private:
  void read_values(int64_t first_value, int64_t count, void* out) const;

  std::string file_;
  mutable std::ifstream stream_;
  at::ScalarType type_ = at::kDouble;
  bool fortran_order_ = false;
  int64_t num_rows_ = 0, num_columns_ = 0;
  int64_t data_offset_ = 0;
};

}  // namespace cocola
