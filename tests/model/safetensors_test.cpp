#include "model/safetensors.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>

#include <cstring>
#include <fstream>

#include "base/atomic_file.h"
#include "base/error.h"
#include "support/golden.h"
#include "support/temporary_directory.h"

namespace cocola {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

void write_bytes(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

std::string read_bytes(const std::filesystem::path& path) { return read_file(path, 1 << 20); }

// A file as the format demands, made without our writer.
std::string raw_file(const std::string& header, const std::string& data) {
  const uint64_t length = header.size();
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, 8);
  return bytes + header + data;
}

std::string refusal(const std::string& bytes) {
  const testing::TemporaryDirectory directory;
  write_bytes(directory / "x.safetensors", bytes);
  try {
    read_safetensors(directory / "x.safetensors");
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("x.safetensors"));
    return error.what();
  }
  return "accepted";
}

SafetensorsFile small_content() {
  SafetensorsFile content;
  content.tensors = {{"a", at::arange(3, at::kFloat)}, {"b", at::full({}, 7, at::kLong)}};
  content.metadata = {{"step", "12"}};
  return content;
}

TEST(Safetensors, EveryTypeAndShapeComesBackAsWritten) {
  const testing::TemporaryDirectory directory;
  SafetensorsFile content;
  for (const at::ScalarType type : {at::kDouble, at::kLong, at::kFloat, at::kInt, at::kHalf,
                                    at::kBFloat16, at::kByte, at::kBool}) {
    content.tensors.emplace_back(std::string("t.") + c10::toString(type),
                                 at::arange(6, at::kInt).remainder(2).reshape({2, 3}).to(type));
  }
  content.tensors.emplace_back("scalar", at::full({}, 1, at::kBool));
  content.tensors.emplace_back("empty", at::zeros({0, 4}, at::kBool));
  content.metadata = {{"text", "quote \" newline \n umlaut \u00e4"}, {"", "empty key"}};
  write_safetensors(directory / "x", content);

  const SafetensorsFile found = read_safetensors(directory / "x");
  ASSERT_EQ(found.tensors.size(), content.tensors.size());
  for (const auto& [name, tensor] : content.tensors) {
    EXPECT_TRUE(at::equal(found.get(name), tensor)) << name;
    EXPECT_EQ(found.get(name).scalar_type(), tensor.scalar_type());
  }
  EXPECT_EQ(found.metadata.at("text"), content.metadata.at("text"));
  EXPECT_EQ(found.metadata.at(""), "empty key");
}

TEST(Safetensors, ValuesNotMemoryOrderAreWritten) {
  const testing::TemporaryDirectory directory;
  const at::Tensor image = at::arange(24, at::kFloat).reshape({1, 2, 3, 4});
  SafetensorsFile content;
  content.tensors = {{"x", image.contiguous(at::MemoryFormat::ChannelsLast)}};
  write_safetensors(directory / "x", content);
  const at::Tensor found = read_safetensors(directory / "x").get("x");
  EXPECT_TRUE(found.is_contiguous());
  EXPECT_TRUE(at::equal(found, image));
}

TEST(Safetensors, EachTensorIsAlignedToItsElements) {
  const testing::TemporaryDirectory directory;
  SafetensorsFile content;
  content.tensors = {{"byte", at::ones({1}, at::kByte)},
                     {"float", at::ones({1}, at::kFloat)},
                     {"second", at::ones({1}, at::kFloat)},
                     {"long", at::ones({1}, at::kLong)}};
  write_safetensors(directory / "x", content);
  std::vector<std::string> order;
  for (const auto& [name, tensor] : read_safetensors(directory / "x").tensors) {
    order.push_back(name);
  }
  EXPECT_THAT(order, ElementsAre("long", "float", "second", "byte"));
  uint64_t length = 0;
  std::memcpy(&length, read_bytes(directory / "x").data(), 8);
  EXPECT_EQ(length % 8, 0u);
}

TEST(Safetensors, FilesOfTheReferenceLibraryAreRead) {
  const SafetensorsFile file = testing::golden("median31");
  EXPECT_EQ(file.get("input").sizes(), (at::IntArrayRef{97, 83}));
  EXPECT_EQ(file.get("input").scalar_type(), at::kFloat);
  EXPECT_FALSE(file.has("nothing"));
  EXPECT_THROW(file.get("nothing"), Error);
}

TEST(Safetensors, AHandMadeFileIsRead) {
  const testing::TemporaryDirectory directory;
  const float values[2] = {1.5F, -2.0F};
  write_bytes(directory / "x",
              raw_file(R"({"__metadata__":{"k":"v"},"t":{"dtype":"F32","shape":[2],)"
                       R"("data_offsets":[0,8]}}   )",
                       std::string(reinterpret_cast<const char*>(values), 8)));
  const SafetensorsFile file = read_safetensors(directory / "x");
  EXPECT_THAT(file.metadata, ElementsAre(Pair("k", "v")));
  EXPECT_TRUE(at::equal(file.get("t"), at::tensor({1.5F, -2.0F})));
}

TEST(Safetensors, WrongFilesAreRefusedWithTheBrokenRule) {
  const std::string eight(8, '\0');
  struct Case {
    std::string header, data, rule;
  };
  const auto tensor = [](const std::string& body) { return R"({"t":{)" + body + "}}"; };
  const std::vector<Case> cases = {
      {"", "", "not a JSON object"},
      {" {}", "", "not a JSON object"},
      {"{}\n", "", "not a JSON object"},
      {"[]", "", "not a JSON object"},
      {"{}", "x", "tail"},
      {R"({"a":})", "", "x.safetensors"},
      {R"({"__metadata__":{"a":1}})", "", "not a string"},
      {R"({"__metadata__":[]})", "", "must map strings"},
      {R"({"__metadata__":{"a":"1","a":"2"}})", "", "a"},
      {R"({"t":3})", "", "exactly dtype"},
      {tensor(R"("dtype":"F32","shape":[2])"), eight, "exactly dtype"},
      {tensor(R"("dtype":"F32","shape":[2],"data_offsets":[0,8],"more":1)"), eight, "exactly"},
      {tensor(R"("dtype":"F31","shape":[2],"data_offsets":[0,8])"), eight, "unsupported dtype"},
      {tensor(R"("dtype":3,"shape":[2],"data_offsets":[0,8])"), eight, "unsupported dtype"},
      {tensor(R"("dtype":"F32","shape":2,"data_offsets":[0,8])"), eight, "list of at most"},
      {tensor(R"("dtype":"U8","shape":[1,1,1,1,1,1,1,1,8],"data_offsets":[0,8])"), eight, "most 8"},
      {tensor(R"("dtype":"F32","shape":[-2],"data_offsets":[0,8])"), eight, "whole numbers"},
      {tensor(R"("dtype":"F32","shape":[2.0],"data_offsets":[0,8])"), eight, "whole numbers"},
      {tensor(R"("dtype":"F32","shape":["2"],"data_offsets":[0,8])"), eight, "whole numbers"},
      {tensor(R"("dtype":"F32","shape":[18446744073709551615],"data_offsets":[0,8])"), eight,
       "too large"},
      {tensor(R"("dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8])"), eight,
       "2^62"},
      {tensor(R"("dtype":"F32","shape":[0,4294967296,4294967296],"data_offsets":[0,0])"), "",
       "2^62"},
      {tensor(R"("dtype":"F32","shape":[2],"data_offsets":[0,7])"), eight, "do not fit"},
      {tensor(R"("dtype":"F32","shape":[2],"data_offsets":[8,0])"), eight, "do not fit"},
      {tensor(R"("dtype":"F32","shape":[2],"data_offsets":[0])"), eight, "two numbers"},
      {tensor(R"("dtype":"F32","shape":[2],"data_offsets":[0,-8])"), eight, "whole numbers"},
      {tensor(R"("dtype":"F32","shape":[2],"data_offsets":[0,8])"), eight + "x", "tail"},
      {tensor(R"("dtype":"F32","shape":[2],"data_offsets":[0,8])"), "", "truncated"},
      {tensor(R"("dtype":"F32","shape":[1],"data_offsets":[4,8])"), eight, "hole"},
      {tensor(R"("dtype":"F32","shape":[1],"data_offsets":[18446744073709551612,0])"), eight,
       "do not fit"},
      {tensor(R"("dtype":"BOOL","shape":[1],"data_offsets":[0,1])"), "\2", "neither 0 nor 1"},
      {R"({"t":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
       R"("t":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})",
       eight, "t"},
      {R"({"t":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
       R"("u":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
       eight, "overlap"},
      {R"({"__metadata__":{"cocola_digest":"0"}})", "", "digest"},
      {R"({"__metadata__":{"cocola_digest_method":"0"}})", "", "digest"},
  };
  for (const Case& wrong : cases) {
    EXPECT_THAT(refusal(raw_file(wrong.header, wrong.data)), HasSubstr(wrong.rule)) << wrong.header;
  }
  EXPECT_THAT(refusal(""), HasSubstr("too short"));
  EXPECT_THAT(refusal(std::string(8, '\xff')), HasSubstr("claims"));
  EXPECT_THAT(refusal(std::string("\x10\0\0\0\0\0\0\0{}", 10)), HasSubstr("claims"));
}

TEST(Safetensors, EveryFlippedByteIsFound) {
  const testing::TemporaryDirectory directory;
  write_safetensors(directory / "x", small_content());
  const std::string good = read_bytes(directory / "x");
  for (size_t place = 0; place < good.size(); ++place) {
    for (const char flip : {'\x01', '\x20', '\xff'}) {
      std::string bad = good;
      bad[place] = static_cast<char>(bad[place] ^ flip);
      EXPECT_NE(refusal(bad), "accepted") << "byte " << place;
    }
  }
}

TEST(Safetensors, EveryTruncationIsFound) {
  const testing::TemporaryDirectory directory;
  write_safetensors(directory / "x", small_content());
  const std::string good = read_bytes(directory / "x");
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_NE(refusal(good.substr(0, size)), "accepted") << size << " bytes";
  }
  EXPECT_NE(refusal(good + '\0'), "accepted");
}

TEST(Safetensors, ADirectoryOrAMissingFileIsRefused) {
  const testing::TemporaryDirectory directory;
  EXPECT_THROW(read_safetensors(directory.path()), Error);
  EXPECT_THROW(read_safetensors(directory / "missing"), Error);
}

TEST(Safetensors, WhatCannotBeWrittenLeavesNoFile) {
  const testing::TemporaryDirectory directory;
  const at::Tensor one = at::ones({1});
  SafetensorsFile twice, reserved, complex, undefined, binary;
  twice.tensors = {{"a", one}, {"a", one}};
  reserved.tensors = {{"__metadata__", one}};
  complex.tensors = {{"a", one.to(at::kComplexFloat)}};
  undefined.tensors = {{"a", at::Tensor()}};
  binary.metadata = {{"a", "\xff"}};
  for (const SafetensorsFile& wrong : {twice, reserved, complex, undefined, binary}) {
    EXPECT_THROW(write_safetensors(directory / "x", wrong), Error);
  }
  EXPECT_TRUE(std::filesystem::is_empty(directory.path()));
}

}  // namespace
}  // namespace cocola
