// A matrix of real numbers in any HDF5 file, such as embeddings another program wrote.
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

namespace cocola {

// Of any size: rows are read a stretch at a time.
class RealMatrix {
 public:
  // Throws: Error naming file and dataset unless it is a matrix of floating-point numbers, stored
  //         in this file alone, with no more values than the file can hold.
  RealMatrix(const std::filesystem::path& path, const std::string& dataset);
  ~RealMatrix();
  RealMatrix(RealMatrix&&) noexcept;
  RealMatrix& operator=(RealMatrix&&) = delete;

  int64_t num_rows() const;
  int64_t num_columns() const;

  // Rows [first, first + count), row by row: out [count * num_columns()]. Thread-safe.
  // Requires: they lie in [0, num_rows()).
  void read_rows(int64_t first, int64_t count, std::span<double> out) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cocola
