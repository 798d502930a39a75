#include "eval/npy_file.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace cocola {
namespace {

constexpr size_t kPreambleBytes = 12, kMaxHeaderBytes = 1 << 16;
constexpr std::string_view kMagic("\x93NUMPY", 6);

// Reads the Python dictionary of a header, front to back.
class HeaderText {
 public:
  HeaderText(std::string_view text, const std::string& file) : rest_(text), file_(file) {}

  // Passes `token` and the spaces before it, if it comes next.
  bool accept(std::string_view token) {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(" \n"), rest_.size()));
    if (!rest_.starts_with(token)) return false;
    rest_.remove_prefix(token.size());
    return true;
  }
  void expect(std::string_view token) {
    if (!accept(token)) fail("npy", "{}: its header has no {} where one belongs", file_, token);
  }
  std::string_view quoted() {
    expect("'");
    const size_t end = rest_.find('\'');
    if (end == std::string_view::npos) fail("npy", "{}: its header ends inside a text", file_);
    const std::string_view text = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return text;
  }
  bool truth() {
    if (accept("True")) return true;
    expect("False");
    return false;
  }
  std::vector<int64_t> integers() {
    std::vector<int64_t> values;
    expect("(");
    while (!accept(")")) {
      accept("");  // the spaces
      int64_t value = 0;
      const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
      if (error != std::errc() || value < 0) fail("npy", "{}: its shape is no shape", file_);
      rest_.remove_prefix(static_cast<size_t>(end - rest_.data()));
      values.push_back(value);
      if (!accept(",")) {
        expect(")");
        break;
      }
    }
    return values;
  }
  void expect_end() {
    accept("");
    if (!rest_.empty()) fail("npy", "{}: its header goes on behind its end", file_);
  }

 private:
  std::string_view rest_;
  const std::string& file_;
};

struct NpyHeader {
  std::string_view type;
  bool fortran_order = false;
  std::vector<int64_t> shape;
};

NpyHeader parse_header(std::string_view text, const std::string& file) {
  NpyHeader header;
  std::map<std::string_view, int> seen;
  HeaderText reader(text, file);
  reader.expect("{");
  while (!reader.accept("}")) {
    const std::string_view key = reader.quoted();
    reader.expect(":");
    if (key == "fortran_order") {
      header.fortran_order = reader.truth();
    } else if (key == "shape") {
      header.shape = reader.integers();
    } else if (key == "descr") {
      if (reader.accept("[")) {
        fail("npy", "{}: a table of named columns; expected is a matrix", file);
      }
      header.type = reader.quoted();
    } else {
      fail("npy", "{}: its header has a key that NumPy does not write", file);
    }
    if (++seen[key] > 1) fail("npy", "{}: its header has the key {} twice", file, key);
    if (!reader.accept(",")) {
      reader.expect("}");
      break;
    }
  }
  reader.expect_end();
  if (seen.size() != 3) {
    fail("npy", "{}: its header lacks one of descr, fortran_order and shape", file);
  }
  return header;
}

at::ScalarType type_of(std::string_view name, const std::string& file) {
  if (name == "<f8") return at::kDouble;
  if (name == "<f4") return at::kFloat;
  if (name == "<f2") return at::kHalf;
  fail("npy",
       "{}: values of type '{}'; accepted are float16, float32 and float64 ('<f2', '<f4', "
       "'<f8')",
       file, name.substr(0, 20));
}

// Takes the header off the front of `data`, with which a file of `file_bytes` begins.
NpyHeader take_header(std::string_view& data, int64_t file_bytes, const std::string& file) {
  if (!data.starts_with(kMagic) || data.size() < kPreambleBytes) {
    fail("npy", "{}: not an .npy file", file);
  }
  const auto byte = [&](size_t i) {
    return static_cast<size_t>(static_cast<unsigned char>(data[i]));
  };
  const size_t major = byte(6), minor = byte(7);
  if (major < 1 || major > 3 || minor != 0) {
    fail("npy", "{}: version {}.{}; accepted are 1.0, 2.0 and 3.0", file, major, minor);
  }
  const size_t start = major == 1 ? 10 : 12;
  size_t length = byte(8) | byte(9) << 8;
  if (major > 1) length |= byte(10) << 16 | byte(11) << 24;
  if (length > kMaxHeaderBytes || length > data.size() - start) {
    fail("npy", "{}: claims a header of {} bytes; the file has {}, and at most {} are accepted",
         file, length, file_bytes, kMaxHeaderBytes);
  }
  const NpyHeader header = parse_header(data.substr(start, length), file);
  data.remove_prefix(start + length);
  return header;
}

}  // namespace

NpyMatrix::NpyMatrix(const std::filesystem::path& path) : file_(path.string()) {
  if (!std::filesystem::is_regular_file(path)) fail("npy", "{}: no such regular file", file_);
  stream_.open(path, std::ios::binary);
  const auto file_bytes = static_cast<int64_t>(std::filesystem::file_size(path));
  std::string front(kPreambleBytes + kMaxHeaderBytes, '\0');
  stream_.read(front.data(), std::ssize(front));
  if (!stream_.is_open() || stream_.bad()) fail("npy", "{}: cannot be read", file_);
  front.resize(static_cast<size_t>(stream_.gcount()));
  std::string_view data = front;
  const NpyHeader header = take_header(data, file_bytes, file_);
  data_offset_ = std::ssize(front) - std::ssize(data);
  type_ = type_of(header.type, file_);
  fortran_order_ = header.fortran_order;
  if (header.shape.size() != 2) {
    fail("npy", "{}: an array of {} dimensions; expected is a matrix, one row a sample", file_,
         header.shape.size());
  }
  num_rows_ = header.shape[0];
  num_columns_ = header.shape[1];
  auto bytes = static_cast<int64_t>(at::elementSize(type_));
  if (__builtin_mul_overflow(bytes, num_rows_, &bytes) ||
      __builtin_mul_overflow(bytes, num_columns_, &bytes) || bytes != file_bytes - data_offset_) {
    fail("npy", "{}: claims {} x {} values of type {}, but {} bytes follow the header", file_,
         num_rows_, num_columns_, header.type, file_bytes - data_offset_);
  }
}

void NpyMatrix::read_values(int64_t first_value, int64_t count, void* out) const {
  const auto value_bytes = static_cast<int64_t>(at::elementSize(type_));
  stream_.clear();
  stream_.seekg(data_offset_ + first_value * value_bytes);
  stream_.read(static_cast<char*>(out), count * value_bytes);
  if (!stream_) fail("npy", "{}: cannot be read to its end; did it change?", file_);
}

at::Tensor NpyMatrix::read_rows(int64_t first, int64_t count) const {
  if (first < 0 || count < 0 || count > num_rows_ - first) {
    fail("npy", "{}: rows [{}, {} + {}) of {}", file_, first, first, count, num_rows_);
  }
  if (!fortran_order_) {
    const at::Tensor stored = at::empty({count, num_columns_}, type_);
    read_values(first * num_columns_, count * num_columns_, stored.data_ptr());
    return stored.to(at::kDouble);
  }
  const at::Tensor stored = at::empty({num_columns_, count}, type_);
  for (int64_t column = 0; column < num_columns_ && count > 0; ++column) {
    read_values(column * num_rows_ + first, count, stored[column].data_ptr());
  }
  return stored.t().to(at::kDouble).contiguous();
}

}  // namespace cocola
