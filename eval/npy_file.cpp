#include "eval/npy_file.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/atomic_file.h"
#include "base/error.h"

namespace cocola {
namespace {

constexpr uint64_t kMaxFileBytes = uint64_t{4} << 30;
constexpr size_t kMaxHeaderBytes = 1 << 16;
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

// Takes the header off the front of `data`.
NpyHeader take_header(std::string_view& data, const std::string& file) {
  if (!data.starts_with(kMagic) || data.size() < 12) fail("npy", "{}: not an .npy file", file);
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
         file, length, data.size(), kMaxHeaderBytes);
  }
  const NpyHeader header = parse_header(data.substr(start, length), file);
  data.remove_prefix(start + length);
  return header;
}

}  // namespace

at::Tensor read_npy_matrix(const std::filesystem::path& path) {
  const std::string file = path.string();
  const std::string content = read_file(path, kMaxFileBytes);
  std::string_view data = content;
  const NpyHeader header = take_header(data, file);
  const at::ScalarType type = type_of(header.type, file);
  if (header.shape.size() != 2) {
    fail("npy", "{}: an array of {} dimensions; expected is a matrix, one row a sample", file,
         header.shape.size());
  }
  const int64_t rows = header.shape[0], columns = header.shape[1];
  int64_t bytes = static_cast<int64_t>(at::elementSize(type));
  if (__builtin_mul_overflow(bytes, rows, &bytes) ||
      __builtin_mul_overflow(bytes, columns, &bytes) ||
      bytes != static_cast<int64_t>(data.size())) {
    fail("npy", "{}: claims {} x {} values of type {}, but {} bytes follow the header", file, rows,
         columns, header.type, data.size());
  }
  const at::Tensor stored =
      header.fortran_order ? at::empty({columns, rows}, type) : at::empty({rows, columns}, type);
  if (bytes > 0) std::memcpy(stored.data_ptr(), data.data(), data.size());
  return (header.fortran_order ? stored.t() : stored).to(at::kDouble).contiguous();
}

}  // namespace cocola
