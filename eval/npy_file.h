// Matrices in NumPy's .npy files.
#pragma once
#include <ATen/core/Tensor.h>

#include <filesystem>

namespace cocola {

// A matrix as [n, d] float64: little-endian float16, float32 or float64, in C or Fortran order,
// header version 1, 2 or 3.
//
// Throws: Error naming the file for another type (object arrays above all, which only Python could
//         read), another number of dimensions, a header that is not exactly what NumPy writes, and
//         a size that is not that of the data.
at::Tensor read_npy_matrix(const std::filesystem::path& path);

}  // namespace cocola
