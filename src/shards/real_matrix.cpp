#include "shards/real_matrix.h"

#include "base/error.h"
#include "shards/hdf5_dataset.h"

namespace cocola {

RealMatrix read_real_matrix(const std::filesystem::path& path, const std::string& dataset) {
  const Hdf5Lock lock;
  const Hdf5Handle file = open_hdf5_file(path);
  const Hdf5Dataset stored = open_dataset(file.get(), path.string(), dataset);
  if (H5Tget_class(stored.type.get()) != H5T_FLOAT) {
    fail("hdf5", "{} does not hold floating-point numbers", stored.what);
  }
  require_dims(stored, {-1, -1});
  RealMatrix matrix{.num_rows = stored.dims[0], .num_columns = stored.dims[1], .values = {}};
  const int64_t num_values =
      stored.num_bytes / static_cast<int64_t>(H5Tget_size(stored.type.get()));
  if (num_values > kMaxMatrixValues) {
    fail("hdf5", "{} holds {} values, at most {} are accepted", stored.what, num_values,
         kMaxMatrixValues);
  }
  matrix.values.resize(static_cast<size_t>(num_values));
  read_rows(stored, 0, matrix.num_rows, H5T_NATIVE_DOUBLE, matrix.values.data());
  return matrix;
}

}  // namespace cocola
