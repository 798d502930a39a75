#include "model/safetensors.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <fstream>
#include <set>
#include <span>

#include "base/atomic_file.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/json.h"

namespace cocola {
namespace {

static_assert(std::endian::native == std::endian::little, "tensor bytes are little-endian");

constexpr uint64_t kMaxHeaderBytes = 100'000'000;  // the limit of the reference implementation
constexpr size_t kMaxEntries = 100'000;
constexpr size_t kMaxDimensions = 8;
constexpr const char* kMetadata = "__metadata__";
constexpr const char* kDigestMethod = "XXH3-128 of this file with the digest's digits set to 0";

struct ElementType {
  const char* name;
  at::ScalarType type;
};
constexpr std::array<ElementType, 8> kElementTypes = {{{"F64", at::kDouble},
                                                       {"F32", at::kFloat},
                                                       {"F16", at::kHalf},
                                                       {"BF16", at::kBFloat16},
                                                       {"I64", at::kLong},
                                                       {"I32", at::kInt},
                                                       {"U8", at::kByte},
                                                       {"BOOL", at::kBool}}};

// One tensor as the header announces it; offsets count from the start of the data.
struct Range {
  std::string name;
  at::ScalarType type = at::kFloat;
  std::vector<int64_t> shape;
  uint64_t begin = 0, end = 0;
};

// A header always starts like this in our files, so the digest's digits have a fixed place.
std::string digest_prefix() {
  return fmt::format("{{\"{}\":{{\"{}\":\"", kMetadata, kSafetensorsDigestKey);
}

uint64_t unsigned_value(const Json& value, const std::string& where, const std::string& name,
                        const char* what) {
  if (!value.is_number_unsigned()) {
    fail(where, "tensor '{}': {} holds {}; it must hold whole numbers of at least 0", name, what,
         value.dump());
  }
  return value.get<uint64_t>();
}

at::ScalarType parse_type(const Json& value, const std::string& where, const std::string& name) {
  for (const ElementType& known : kElementTypes) {
    if (value == known.name) return known.type;
  }
  fail(where, "tensor '{}': unsupported dtype {}; known are F64 F32 F16 BF16 I64 I32 U8 BOOL", name,
       value.dump());
}

// Bytes of a tensor. Zero sizes count as one: a product that overflows beside a zero is refused
// too.
uint64_t checked_bytes(const Range& range, const std::string& where) {
  uint64_t bytes = c10::elementSize(range.type);
  bool empty = false;
  for (const int64_t size : range.shape) {
    empty = empty || size == 0;
    const uint64_t factor = std::max<uint64_t>(static_cast<uint64_t>(size), 1);
    if (__builtin_mul_overflow(bytes, factor, &bytes) || bytes > (uint64_t{1} << 62)) {
      fail(where, "tensor '{}': its shape multiplies to more than 2^62 bytes", range.name);
    }
  }
  return empty ? 0 : bytes;
}

Range parse_entry(const std::string& name, const Json& entry, const std::string& where) {
  if (!entry.is_object() || entry.size() != 3 || !entry.contains("dtype") ||
      !entry.contains("shape") || !entry.contains("data_offsets")) {
    fail(where, "tensor '{}' must have exactly dtype, shape and data_offsets", name);
  }
  const Json& shape = entry.at("shape");
  const Json& offsets = entry.at("data_offsets");
  if (!shape.is_array() || shape.size() > kMaxDimensions) {
    fail(where, "tensor '{}': shape must be a list of at most {} sizes", name, kMaxDimensions);
  }
  if (!offsets.is_array() || offsets.size() != 2) {
    fail(where, "tensor '{}': data_offsets must be a list of two numbers", name);
  }
  Range range{name, parse_type(entry.at("dtype"), where, name), {}, 0, 0};
  for (const Json& size : shape) {
    const uint64_t value = unsigned_value(size, where, name, "shape");
    if (value > (uint64_t{1} << 62)) fail(where, "tensor '{}': size {} is too large", name, value);
    range.shape.push_back(static_cast<int64_t>(value));
  }
  range.begin = unsigned_value(offsets[0], where, name, "data_offsets");
  range.end = unsigned_value(offsets[1], where, name, "data_offsets");
  const uint64_t bytes = checked_bytes(range, where);
  if (range.end < range.begin || range.end - range.begin != bytes) {
    fail(where, "tensor '{}': data_offsets {} to {} do not fit the {} bytes of its type and shape",
         name, range.begin, range.end, bytes);
  }
  return range;
}

// Sorts by offset and requires that the ranges cover the data exactly: no overlap, hole or tail.
void check_cover(std::vector<Range>& ranges, uint64_t data_bytes, const std::string& where) {
  std::ranges::stable_sort(ranges, [](const Range& a, const Range& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  uint64_t covered = 0;
  for (const Range& range : ranges) {
    if (range.begin != covered) {
      fail(where, "tensor '{}' starts at byte {} of the data where {} was expected: {}", range.name,
           range.begin, covered, range.begin < covered ? "ranges overlap" : "a hole lies before");
    }
    covered = range.end;
  }
  if (covered != data_bytes) {
    fail(where, "tensors cover {} bytes of data, the file holds {}: truncated or with a tail",
         covered, data_bytes);
  }
}

std::map<std::string, std::string> parse_metadata(const Json& entry, const std::string& where) {
  if (!entry.is_object()) fail(where, "{} must map strings to strings", kMetadata);
  std::map<std::string, std::string> metadata;
  for (const auto& [key, value] : entry.items()) {
    if (!value.is_string()) fail(where, "{}: the value of '{}' is not a string", kMetadata, key);
    metadata.emplace(key, value.get<std::string>());
  }
  return metadata;
}

// An open file of known size, read once from front to back while its digest is taken.
class Source {
 public:
  explicit Source(const std::filesystem::path& path) : where_(path.string()) {
    std::error_code error;
    if (!std::filesystem::is_regular_file(path, error)) {
      fail(where_, "no such file, or not a regular file");
    }
    left_ = std::filesystem::file_size(path, error);
    stream_.open(path, std::ios::binary);
    if (error || !stream_) fail(where_, "the file cannot be opened for reading");
  }
  uint64_t left() const { return left_; }
  void read(std::span<char> bytes) {
    if (bytes.empty()) return;
    if (!stream_.read(bytes.data(), static_cast<std::streamsize>(bytes.size()))) {
      fail(where_, "the file cannot be read to its end, or changed while it was read");
    }
    left_ -= bytes.size();
  }

 private:
  std::string where_;
  std::ifstream stream_;
  uint64_t left_ = 0;
};

// The header's text, and its length field as it stands in the file.
std::string read_header(Source& source, std::array<char, 8>& length_field,
                        const std::string& where) {
  if (source.left() < length_field.size()) {
    fail(where, "{} bytes are too short for a safetensors file", source.left());
  }
  source.read(length_field);
  uint64_t length = 0;
  std::memcpy(&length, length_field.data(), sizeof(length));
  if (length > kMaxHeaderBytes || length > source.left()) {
    fail(where, "the header claims {} bytes; at most {} are possible: not safetensors or truncated",
         length, std::min(kMaxHeaderBytes, source.left()));
  }
  std::string header(length, '\0');
  source.read(header);
  const size_t last = header.find_last_not_of(' ');
  if (header.empty() || header.front() != '{' || header[last] != '}') {
    fail(where, "the header is not a JSON object padded with spaces: not a safetensors file");
  }
  return header;
}

// The digest the header announces, with its digits in `header` set to '0'; empty when it has none.
std::string take_digest(const std::map<std::string, std::string>& metadata, std::string& header,
                        const std::string& where) {
  const auto digest = metadata.find(kSafetensorsDigestKey);
  const auto method = metadata.find(kSafetensorsDigestMethodKey);
  if (digest == metadata.end() && method == metadata.end()) return "";
  const std::string prefix = digest_prefix();
  if (digest == metadata.end() || method == metadata.end() || method->second != kDigestMethod ||
      digest->second.size() != kDigestLength || !header.starts_with(prefix)) {
    fail(where, "its digest is damaged, or another program rewrote the file; get a fresh copy");
  }
  header.replace(prefix.size(), kDigestLength, kDigestLength, '0');
  return digest->second;
}

at::Tensor read_tensor(Source& source, const Range& range, Digest& digest,
                       const std::string& where) {
  at::Tensor tensor = at::empty(range.shape, range.type);
  const std::span<char> bytes(static_cast<char*>(tensor.data_ptr()), range.end - range.begin);
  source.read(bytes);
  digest.update(std::as_bytes(bytes));
  if (range.type == at::kBool &&
      !std::ranges::all_of(bytes, [](char b) { return b == 0 || b == 1; })) {
    fail(where, "tensor '{}': a BOOL is neither 0 nor 1", range.name);
  }
  return tensor;
}

const char* type_name(const at::Tensor& tensor, const std::string& where, const std::string& name) {
  for (const ElementType& known : kElementTypes) {
    if (tensor.scalar_type() == known.type) return known.name;
  }
  fail(where, "tensor '{}' has a type that safetensors files here do not hold: {}", name,
       c10::toString(tensor.scalar_type()));
}

// Tensors ready to be written: on the CPU, contiguous, by falling element size.
std::vector<std::pair<std::string, at::Tensor>> lay_out(const SafetensorsFile& content,
                                                        const std::string& where) {
  std::vector<std::pair<std::string, at::Tensor>> tensors;
  std::set<std::string> names = {kMetadata};
  for (const auto& [name, tensor] : content.tensors) {
    if (!names.insert(name).second) fail(where, "the name '{}' is reserved or given twice", name);
    if (!tensor.defined()) fail(where, "tensor '{}' is undefined", name);
    tensors.emplace_back(name, tensor.detach().cpu().contiguous());
  }
  std::ranges::stable_sort(tensors, std::ranges::greater{},
                           [](const auto& named) { return named.second.element_size(); });
  return tensors;
}

std::string make_header(const SafetensorsFile& content,
                        const std::vector<std::pair<std::string, at::Tensor>>& tensors,
                        const std::string& where) {
  OrderedJson metadata;
  metadata[kSafetensorsDigestKey] = std::string(kDigestLength, '0');
  metadata[kSafetensorsDigestMethodKey] = kDigestMethod;
  for (const auto& [key, value] : content.metadata) {
    if (!metadata.contains(key)) metadata[key] = value;
  }
  OrderedJson header;
  header[kMetadata] = std::move(metadata);
  uint64_t offset = 0;
  for (const auto& [name, tensor] : tensors) {
    const uint64_t end = offset + tensor.nbytes();
    header[name] = {{"dtype", type_name(tensor, where, name)},
                    {"shape", tensor.sizes().vec()},
                    {"data_offsets", {offset, end}}};
    offset = end;
  }
  try {
    std::string text = header.dump();
    text.append((8 - text.size() % 8) % 8, ' ');
    return text;
  } catch (const nlohmann::json::exception& problem) {
    fail(where, "a tensor's name or a metadata string is not UTF-8: {}", problem.what());
  }
}

// The whole file, its own digest included.
std::string bytes_of(const SafetensorsFile& content, const std::string& where) {
  const auto tensors = lay_out(content, where);
  const std::string header = make_header(content, tensors, where);
  const uint64_t length = header.size();
  std::string bytes(sizeof(length), '\0');
  std::memcpy(bytes.data(), &length, sizeof(length));
  bytes += header;
  for (const auto& [name, tensor] : tensors) {
    bytes.append(static_cast<const char*>(tensor.data_ptr()), tensor.nbytes());
  }
  bytes.replace(sizeof(length) + digest_prefix().size(), kDigestLength, digest_of(bytes));
  return bytes;
}

}  // namespace

bool SafetensorsFile::has(const std::string& name) const {
  return std::ranges::any_of(tensors, [&](const auto& named) { return named.first == name; });
}

const at::Tensor& SafetensorsFile::get(const std::string& name) const {
  const auto found =
      std::ranges::find_if(tensors, [&](const auto& named) { return named.first == name; });
  if (found == tensors.end()) fail("safetensors", "there is no tensor '{}'", name);
  return found->second;
}

SafetensorsFile read_safetensors(const std::filesystem::path& path) {
  const std::string where = path.string();
  Source source(path);
  std::array<char, 8> length_field{};
  std::string header = read_header(source, length_field, where);
  const Json parsed = parse_json_strictly(header, where);
  if (parsed.size() > kMaxEntries) {
    fail(where, "{} entries in the header; at most {} are read", parsed.size(), kMaxEntries);
  }
  SafetensorsFile file;
  std::vector<Range> ranges;
  for (const auto& [name, entry] : parsed.items()) {
    if (name == kMetadata) {
      file.metadata = parse_metadata(entry, where);
    } else {
      ranges.push_back(parse_entry(name, entry, where));
    }
  }
  check_cover(ranges, source.left(), where);

  const std::string expected = take_digest(file.metadata, header, where);
  Digest digest;
  digest.update(std::as_bytes(std::span(length_field)));
  digest.update(std::as_bytes(std::span(header)));
  for (const Range& range : ranges) {
    file.tensors.emplace_back(range.name, read_tensor(source, range, digest, where));
  }
  if (!expected.empty() && digest.hex() != expected) {
    fail(where, "the file is damaged: its digest is {}, it should be {}", digest.hex(), expected);
  }
  return file;
}

void write_safetensors(const std::filesystem::path& path, const SafetensorsFile& content) {
  write_file_atomically(path, bytes_of(content, path.string()));
}

std::string digest_as_written(const SafetensorsFile& content) {
  return digest_of(bytes_of(content, "safetensors"));
}

}  // namespace cocola
