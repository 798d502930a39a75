#include "shards/real_matrix.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <hdf5.h>

#include "shards/example_shard.h"
#include "support/temporary_directory.h"

namespace cocola {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using testing::error_of;
using ::testing::HasSubstr;

class RealMatrixFile : public ::testing::Test {
 protected:
  // A dataset made with the library itself; values may be null to write none.
  void write(const std::string& name, const std::vector<hsize_t>& dims, hid_t type,
             const double* values) const {
    const hid_t file = H5Fcreate(path_.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    const hid_t space = H5Screate_simple(static_cast<int>(dims.size()), dims.data(), nullptr);
    const hid_t set =
        H5Dcreate2(file, name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    if (values != nullptr) {
      ASSERT_GE(H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values), 0);
    }
    H5Dclose(set);
    H5Sclose(space);
    H5Fclose(file);
  }
  std::string refusal(const std::string& name) const {
    return error_of([&] { RealMatrix(path_, name); });
  }
  static std::vector<double> rows(const RealMatrix& matrix, int64_t first, int64_t count) {
    std::vector<double> values(static_cast<size_t>(count * matrix.num_columns()));
    matrix.read_rows(first, count, values);
    return values;
  }

  const testing::TemporaryDirectory directory_;
  const std::filesystem::path path_ = directory_ / "m.h5";
  const double values_[6] = {1, 2, 3, 4, 5, 6.5};
};

TEST_F(RealMatrixFile, IsReadRowByRowInAnyPrecisionAndByteOrder) {
  for (const hid_t type : {H5T_IEEE_F32LE, H5T_IEEE_F64LE, H5T_IEEE_F32BE}) {
    write("m", {2, 3}, type, values_);
    const RealMatrix matrix(path_, "/m");
    EXPECT_EQ(matrix.num_rows(), 2);
    EXPECT_EQ(matrix.num_columns(), 3);
    EXPECT_THAT(rows(matrix, 0, 2), ElementsAre(1, 2, 3, 4, 5, 6.5));
  }
}

TEST_F(RealMatrixFile, StretchesOfRowsAreThoseOfTheWhole) {
  write("m", {3, 2}, H5T_IEEE_F32LE, values_);
  const RealMatrix matrix(path_, "/m");
  for (int64_t first = 0; first <= 3; ++first) {
    for (int64_t count = 0; count <= 3 - first; ++count) {
      EXPECT_THAT(rows(matrix, first, count),
                  ElementsAreArray(values_ + 2 * first, static_cast<size_t>(2 * count)));
    }
  }
  EXPECT_THAT(error_of([&] { rows(matrix, 2, 2); }), HasSubstr("[2, 2 + 2)"));
  std::vector<double> small(3);
  EXPECT_THAT(error_of([&] { matrix.read_rows(0, 2, small); }), HasSubstr("into 3 values"));
}

TEST_F(RealMatrixFile, OtherShapesAndTypesAreRefused) {
  write("m", {6}, H5T_IEEE_F64LE, values_);
  EXPECT_THAT(refusal("/m"), AllOf(HasSubstr("m.h5"), HasSubstr("shape")));
  write("m", {2, 3}, H5T_STD_I32LE, values_);
  EXPECT_THAT(refusal("/m"), HasSubstr("floating-point"));
  EXPECT_THAT(refusal("/other"), HasSubstr("missing"));
}

TEST_F(RealMatrixFile, ClaimsWithoutDataAreRefused) {
  write("m", {hsize_t{1} << 40, 64}, H5T_IEEE_F32LE, nullptr);
  EXPECT_THAT(refusal("/m"), HasSubstr("never written"));
}

}  // namespace
}  // namespace cocola
