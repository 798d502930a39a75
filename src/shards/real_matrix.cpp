#include "shards/real_matrix.h"

#include "base/error.h"
#include "shards/hdf5_dataset.h"

namespace cocola {

struct RealMatrix::Impl {
  Hdf5Handle file;
  Hdf5Dataset dataset;
};

RealMatrix::RealMatrix(const std::filesystem::path& path, const std::string& dataset)
    : impl_(std::make_unique<Impl>()) {
  const Hdf5Lock lock;
  impl_->file = open_hdf5_file(path);
  impl_->dataset = open_dataset(impl_->file.get(), path.string(), dataset);
  if (H5Tget_class(impl_->dataset.type.get()) != H5T_FLOAT) {
    fail("hdf5", "{} does not hold floating-point numbers", impl_->dataset.what);
  }
  require_dims(impl_->dataset, {-1, -1});
}

RealMatrix::~RealMatrix() = default;
RealMatrix::RealMatrix(RealMatrix&&) noexcept = default;

int64_t RealMatrix::num_rows() const { return impl_->dataset.dims[0]; }
int64_t RealMatrix::num_columns() const { return impl_->dataset.dims[1]; }

void RealMatrix::read_rows(int64_t first, int64_t count, std::span<double> out) const {
  if (first < 0 || count < 0 || count > num_rows() - first ||
      std::ssize(out) != count * num_columns()) {
    fail("hdf5", "{}: rows [{}, {} + {}) into {} values; it has {} rows of {}", impl_->dataset.what,
         first, first, count, out.size(), num_rows(), num_columns());
  }
  const Hdf5Lock lock;
  cocola::read_rows(impl_->dataset, first, count, H5T_NATIVE_DOUBLE, out.data());
}

}  // namespace cocola
