// Small .npy files for tests.
#pragma once
#include <ATen/core/Tensor.h>
#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace cocola::testing {

// A float32 matrix in C order, of which `values` are the first bytes; the rest are zeros that take
// no room on a disk.
inline std::string write_npy(const std::filesystem::path& path, int64_t num_rows,
                             int64_t num_columns, std::string_view values) {
  std::string header = fmt::format(
      "{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {}), }}", num_rows, num_columns);
  header.resize(118 - 1, ' ');
  header += '\n';
  std::ofstream file(path, std::ios::binary);
  file << std::string_view("\x93NUMPY\x01\0\x76\0", 10) << header << values;
  file.close();
  std::filesystem::resize_file(
      path, 128 + static_cast<uintmax_t>(num_rows) * static_cast<uintmax_t>(num_columns) * 4);
  return path.string();
}

// rows [n, d] float32, contiguous.
inline std::string write_npy(const std::filesystem::path& path, const at::Tensor& rows) {
  return write_npy(path, rows.size(0), rows.size(1),
                   {static_cast<const char*>(rows.const_data_ptr()),
                    static_cast<size_t>(rows.numel()) * sizeof(float)});
}

}  // namespace cocola::testing
