#include "eval/npy_file.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "base/atomic_file.h"
#include "base/error.h"
#include "support/temporary_directory.h"

namespace cocola {
namespace {

using ::testing::HasSubstr;

const std::string kPlain = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }";
constexpr float kValues[] = {1, 2, 3, 4, 5, 6};
const std::string kData(reinterpret_cast<const char*>(kValues), sizeof(kValues));

std::string little_endian(size_t value, int num_bytes) {
  std::string bytes;
  for (int i = 0; i < num_bytes; ++i) bytes += static_cast<char>(value >> (8 * i) & 0xff);
  return bytes;
}

std::string npy(const std::string& header, const std::string& data, int major = 1) {
  return std::string("\x93NUMPY") + static_cast<char>(major) + '\0' +
         little_endian(header.size(), major == 1 ? 2 : 4) + header + data;
}

class NpyFile : public ::testing::Test {
 protected:
  at::Tensor read(const std::string& content) const {
    write_file_atomically(directory_ / "m.npy", content);
    const NpyMatrix matrix(directory_ / "m.npy");
    return matrix.read_rows(0, matrix.num_rows());
  }
  std::string refusal(const std::string& content) const {
    try {
      read(content);
    } catch (const Error& e) {
      EXPECT_THAT(e.what(), HasSubstr("m.npy"));
      return e.what();
    }
    ADD_FAILURE() << "nothing was refused";
    return "";
  }
  const testing::TemporaryDirectory directory_;
};

TEST_F(NpyFile, IsReadInBothOrdersAndAllVersions) {
  const at::Tensor rows = at::arange(1, 7, at::kDouble).reshape({2, 3});
  for (const int major : {1, 2, 3}) EXPECT_TRUE(at::equal(read(npy(kPlain, kData, major)), rows));
  const std::string fortran = "{'descr': '<f4', 'fortran_order': True, 'shape': (3, 2), }     \n";
  EXPECT_TRUE(at::equal(read(npy(fortran, kData)), rows.t()));
}

TEST_F(NpyFile, StretchesOfRowsAreThoseOfTheWholeInBothOrders) {
  const at::Tensor values = at::arange(35, at::kDouble);
  const std::string data(static_cast<const char*>(values.const_data_ptr()), 35 * sizeof(double));
  for (const bool fortran : {false, true}) {
    const std::string header = fmt::format(
        "{{'descr': '<f8', 'fortran_order': {}, 'shape': (7, 5), }}", fortran ? "True" : "False");
    const at::Tensor whole = fortran ? values.reshape({5, 7}).t() : values.reshape({7, 5});
    EXPECT_TRUE(at::equal(read(npy(header, data)), whole));
    const NpyMatrix matrix(directory_ / "m.npy");
    for (int64_t first = 0; first <= 7; ++first) {
      for (int64_t count = 0; count <= 7 - first; ++count) {
        EXPECT_TRUE(at::equal(matrix.read_rows(first, count), whole.narrow(0, first, count)));
      }
    }
    EXPECT_THROW(matrix.read_rows(5, 3), Error);
    EXPECT_THROW(matrix.read_rows(-1, 1), Error);
  }
}

TEST_F(NpyFile, ThatLosesItsEndWhileItIsReadIsNamed) {
  read(npy(kPlain, kData));
  const NpyMatrix matrix(directory_ / "m.npy");
  std::filesystem::resize_file(directory_ / "m.npy", npy(kPlain, kData).size() - 1);
  EXPECT_THAT([&] { matrix.read_rows(0, 2); }, ::testing::ThrowsMessage<Error>(HasSubstr("m.npy")));
}

TEST_F(NpyFile, ClaimsAreCheckedAgainstTheFile) {
  const auto shaped = [](const std::string& shape) {
    return npy("{'descr': '<f4', 'fortran_order': False, 'shape': " + shape + ", }", kData);
  };
  for (const char* shape : {"(2, 4)", "(2, 2)", "(4611686018427387904, 4)", "(1000000000000, 3)",
                            "(9223372036854775807, 9223372036854775807)"}) {
    EXPECT_THAT(refusal(shaped(shape)), HasSubstr("24 bytes follow")) << shape;
  }
  for (const char* shape :
       {"(-2, -3)", "(99999999999999999999, 3)", "(2.0, 3)", "(2, 3", "(a, 3)"}) {
    refusal(shaped(shape));
  }
  EXPECT_THAT(refusal(shaped("()")), HasSubstr("0 dimensions"));
  EXPECT_THAT(refusal(shaped("(6,)")), HasSubstr("1 dimensions"));
  EXPECT_THAT(refusal(shaped("(1, 2, 3)")), HasSubstr("3 dimensions"));
}

TEST_F(NpyFile, HeadersThatReachBeyondTheFileAreRefused) {
  std::string claims = npy(kPlain, kData, 2);
  claims.replace(8, 4, "\xff\xff\xff\xff");
  EXPECT_THAT(refusal(claims), HasSubstr("header of 4294967295 bytes"));
  const std::string whole = npy(kPlain, "");
  for (size_t length = 0; length < whole.size(); ++length) refusal(whole.substr(0, length));
}

TEST_F(NpyFile, HeadersAreWhatNumPyWritesAndNothingElse) {
  for (const char* header :
       {"", "{}", "{'descr': '<f4', 'fortran_order': False, }",
        "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), 'more': 1, }",
        "{'descr': '<f4', 'fortran_order': 0, 'shape': (2, 3), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), } + f()",
        "{'descr': __import__('os'), 'fortran_order': False, 'shape': (2, 3), }",
        "{'descr': '<f4, 'fortran_order': False, 'shape': (2, 3), }", "[2, 3]"}) {
    refusal(npy(header, kData));
  }
  EXPECT_THAT(refusal(npy(kPlain, kData, 4)), HasSubstr("version 4.0"));
  EXPECT_THAT(refusal("RIFF, and so on and on"), HasSubstr("not an .npy"));
}

TEST_F(NpyFile, OtherTypesAreRefusedByName) {
  for (const char* type : {">f4", "<i8", "<f16", "<c8", "|b1", "|S4"}) {
    EXPECT_THAT(refusal(npy(std::string("{'descr': '") + type +
                                "', 'fortran_order': False, 'shape': (2, 3), }",
                            kData)),
                HasSubstr(type));
  }
}

TEST_F(NpyFile, ObjectsAreNeverRead) {
  EXPECT_THAT(refusal(npy("{'descr': '|O', 'fortran_order': False, 'shape': (2, 3), }", kData)),
              HasSubstr("'|O'"));
  EXPECT_THAT(
      refusal(npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2, 3), }", kData)),
      HasSubstr("named columns"));
}

TEST_F(NpyFile, OtherFilesAreRefused) {
  EXPECT_THROW(NpyMatrix(directory_ / "absent.npy"), Error);
  EXPECT_THROW(NpyMatrix(directory_.path()), Error);
}

}  // namespace
}  // namespace cocola
