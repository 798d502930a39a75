#include "shards/hdf5_dataset.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "base/digest.h"

namespace cocola {
namespace {

constexpr int kMaxRank = 8;
constexpr int64_t kMostDeflateGrowth = 1032;  // output bytes of one input byte
constexpr int64_t kDigestBlockBytes = 1 << 20;

int64_t checked_product(int64_t a, int64_t b, const std::string& what) {
  int64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product)) fail("hdf5", "{}: its size overflows", what);
  return product;
}

// Soft and external links could lead anywhere, so each step of the path must be a hard link.
void require_hard_links(hid_t file, const std::string& name, const std::string& what) {
  for (size_t end = name.find('/', 1);; end = name.find('/', end + 1)) {
    const std::string part = name.substr(0, end);
    H5L_info_t info{};
    if (check_hdf5(H5Lexists(file, part.c_str(), H5P_DEFAULT), what) == 0) {
      fail("hdf5", "{} is missing", what);
    }
    check_hdf5(H5Lget_info(file, part.c_str(), &info, H5P_DEFAULT), what);
    if (info.type != H5L_TYPE_HARD) fail("hdf5", "{}: {} is not a hard link", what, part);
    if (end == std::string::npos) return;
  }
}

void require_plain_storage(hid_t creation, const std::string& what) {
  if (check_hdf5(H5Pget_external_count(creation), what) != 0) {
    fail("hdf5", "{} keeps its data in other files, which is not accepted", what);
  }
  const H5D_layout_t layout = H5Pget_layout(creation);
  if (layout != H5D_CONTIGUOUS && layout != H5D_CHUNKED && layout != H5D_COMPACT) {
    fail("hdf5", "{} is a virtual dataset, which is not accepted", what);
  }
  const int num_filters = check_hdf5(H5Pget_nfilters(creation), what);
  for (int i = 0; i < num_filters; ++i) {
    unsigned flags = 0, config = 0;
    size_t num_values = 0;
    const H5Z_filter_t filter =
        check_hdf5(H5Pget_filter2(creation, static_cast<unsigned>(i), &flags, &num_values, nullptr,
                                  0, nullptr, &config),
                   what);
    if (filter != H5Z_FILTER_DEFLATE && filter != H5Z_FILTER_SHUFFLE &&
        filter != H5Z_FILTER_FLETCHER32) {
      fail("hdf5", "{} uses filter {}; shuffle, gzip and fletcher32 are accepted", what, filter);
    }
  }
}

void require_small_chunks(hid_t creation, size_t type_bytes, const std::string& what) {
  if (H5Pget_layout(creation) != H5D_CHUNKED) return;
  hsize_t dims[kMaxRank] = {};
  const int rank = check_hdf5(H5Pget_chunk(creation, kMaxRank, dims), what);
  auto bytes = static_cast<int64_t>(type_bytes);
  for (int i = 0; i < rank; ++i)
    bytes = checked_product(bytes, static_cast<int64_t>(dims[i]), what);
  if (bytes > kMaxBlockBytes) {
    fail("hdf5", "{}: chunks of {} bytes, at most {} are accepted", what, bytes, kMaxBlockBytes);
  }
}

void require_plain_type(hid_t type, const std::string& what) {
  const H5T_class_t type_class = H5Tget_class(type);
  const bool plain = type_class == H5T_INTEGER || type_class == H5T_FLOAT ||
                     (type_class == H5T_STRING && H5Tis_variable_str(type) == 0);
  if (!plain || check_hdf5(H5Tcommitted(type), what) > 0) {
    fail("hdf5", "{}: its type is not a plain integer, real number or text of fixed length", what);
  }
}

// A file of some bytes can promise any number of values that it does not hold, and reading the fill
// values in their place would not end.
void require_stored(hid_t file, hid_t creation, const Hdf5Dataset& dataset) {
  if (dataset.num_bytes == 0) return;
  const std::string& what = dataset.what;
  H5D_space_status_t status = H5D_SPACE_STATUS_NOT_ALLOCATED;
  check_hdf5(H5Dget_space_status(dataset.id.get(), &status), what);
  if (status == H5D_SPACE_STATUS_NOT_ALLOCATED) {
    fail("hdf5", "{}: {} bytes were never written; make the file again", what, dataset.num_bytes);
  }
  hsize_t file_bytes = 0;
  check_hdf5(H5Fget_filesize(file, &file_bytes), what);
  const int64_t growth = check_hdf5(H5Pget_nfilters(creation), what) > 0 ? kMostDeflateGrowth : 1;
  if (dataset.num_bytes / growth > static_cast<int64_t>(file_bytes)) {
    fail("hdf5", "{}: {} bytes cannot be in a file of {} bytes; make the file again", what,
         dataset.num_bytes, file_bytes);
  }
}

void require_class(const Hdf5Dataset& dataset, H5T_class_t expected, const char* name) {
  if (H5Tget_class(dataset.type.get()) != expected) {
    fail("hdf5", "{} does not hold {}", dataset.what, name);
  }
}

// Room for a whole table of elements of the given size.
template <typename T>
std::vector<T> table_of(const Hdf5Dataset& dataset, size_t element_bytes, size_t per_element) {
  const auto stored = static_cast<int64_t>(H5Tget_size(dataset.type.get()));
  const int64_t num_values = dataset.num_bytes / stored;
  const int64_t bytes =
      checked_product(num_values, static_cast<int64_t>(element_bytes), dataset.what);
  if (bytes > kMaxBlockBytes) {
    fail("hdf5", "{}: a table of {} bytes, at most {} are accepted", dataset.what, bytes,
         kMaxBlockBytes);
  }
  return std::vector<T>(static_cast<size_t>(num_values) * per_element);
}

template <typename T>
std::vector<T> read_numbers(const Hdf5Dataset& dataset, const std::vector<int64_t>& dims,
                            hid_t memory_type) {
  require_dims(dataset, dims);
  std::vector<T> values = table_of<T>(dataset, sizeof(T), 1);
  read_rows(dataset, 0, dataset.dims[0], memory_type, values.data());
  return values;
}

}  // namespace

Hdf5Dataset open_dataset(hid_t file, const std::string& file_name, const std::string& name) {
  Hdf5Dataset dataset;
  dataset.what = fmt::format("{}: dataset {}", file_name, name);
  const std::string& what = dataset.what;
  require_hard_links(file, name, what);
  dataset.id = Hdf5Handle(H5Dopen2(file, name.c_str(), H5P_DEFAULT), what);
  dataset.type = Hdf5Handle(H5Dget_type(dataset.id.get()), what);
  require_plain_type(dataset.type.get(), what);
  const Hdf5Handle creation(H5Dget_create_plist(dataset.id.get()), what);
  require_plain_storage(creation.get(), what);
  const size_t type_bytes = H5Tget_size(dataset.type.get());
  require_small_chunks(creation.get(), type_bytes, what);

  const Hdf5Handle space(H5Dget_space(dataset.id.get()), what);
  const int rank = check_hdf5(H5Sget_simple_extent_ndims(space.get()), what);
  if (rank < 1 || rank > kMaxRank) {
    fail("hdf5", "{} has {} dimensions, allowed is [1, {}]", what, rank, kMaxRank);
  }
  hsize_t dims[kMaxRank] = {};
  check_hdf5(H5Sget_simple_extent_dims(space.get(), dims, nullptr), what);
  dataset.row_bytes = static_cast<int64_t>(type_bytes);
  for (int i = 0; i < rank; ++i) {
    if (dims[i] > hsize_t{1} << 62) fail("hdf5", "{}: its size overflows", what);
    dataset.dims.push_back(static_cast<int64_t>(dims[i]));
    if (i > 0) dataset.row_bytes = checked_product(dataset.row_bytes, dataset.dims.back(), what);
  }
  if (dataset.row_bytes > kMaxBlockBytes) {
    fail("hdf5", "{}: rows of {} bytes, at most {} are accepted", what, dataset.row_bytes,
         kMaxBlockBytes);
  }
  dataset.num_bytes = checked_product(dataset.row_bytes, dataset.dims[0], what);
  require_stored(file, creation.get(), dataset);
  return dataset;
}

void read_rows(const Hdf5Dataset& dataset, int64_t first, int64_t count, hid_t memory_type,
               void* out) {
  if (count == 0 || dataset.num_bytes == 0) return;
  std::vector<hsize_t> start(dataset.dims.size(), 0),
      extent(dataset.dims.begin(), dataset.dims.end());
  start[0] = static_cast<hsize_t>(first);
  extent[0] = static_cast<hsize_t>(count);
  const Hdf5Handle space(H5Dget_space(dataset.id.get()), dataset.what);
  check_hdf5(H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, start.data(), nullptr, extent.data(),
                                 nullptr),
             dataset.what);
  const Hdf5Handle memory(H5Screate_simple(static_cast<int>(extent.size()), extent.data(), nullptr),
                          dataset.what);
  check_hdf5(H5Dread(dataset.id.get(), memory_type, memory.get(), space.get(), H5P_DEFAULT, out),
             fmt::format("{}: reading rows {} to {}", dataset.what, first, first + count - 1));
}

std::optional<int64_t> direct_offset(const Hdf5Dataset& dataset, hid_t native_type,
                                     int64_t file_bytes) {
  const Hdf5Handle creation(H5Dget_create_plist(dataset.id.get()), dataset.what);
  if (H5Pget_layout(creation.get()) != H5D_CONTIGUOUS || dataset.num_bytes == 0 ||
      check_hdf5(H5Tequal(dataset.type.get(), native_type), dataset.what) == 0) {
    return std::nullopt;
  }
  const haddr_t address = H5Dget_offset(dataset.id.get());
  if (address == HADDR_UNDEF) return std::nullopt;
  const auto offset = static_cast<int64_t>(address);
  if (offset < 0 || offset > file_bytes || dataset.num_bytes > file_bytes - offset) {
    fail("hdf5", "{}: {} bytes from offset {} reach beyond the end of the file ({} bytes)",
         dataset.what, dataset.num_bytes, offset, file_bytes);
  }
  return offset;
}

std::string digest_of_dataset(const Hdf5Dataset& dataset) {
  const Hdf5Handle type(H5Tcopy(dataset.type.get()), dataset.what);
  if (H5Tget_class(type.get()) != H5T_STRING) {
    check_hdf5(H5Tset_order(type.get(), H5T_ORDER_LE), dataset.what);
  }
  Digest digest;
  const int64_t rows_per_block =
      dataset.row_bytes == 0 ? 1 : std::max<int64_t>(1, kDigestBlockBytes / dataset.row_bytes);
  std::vector<std::byte> block;
  for (int64_t row = 0; row < dataset.dims[0]; row += rows_per_block) {
    const int64_t count = std::min(rows_per_block, dataset.dims[0] - row);
    block.resize(static_cast<size_t>(count * dataset.row_bytes));
    read_rows(dataset, row, count, type.get(), block.data());
    digest.update(block);
  }
  return digest.hex();
}

std::vector<int64_t> read_integers(const Hdf5Dataset& dataset, const std::vector<int64_t>& dims) {
  require_class(dataset, H5T_INTEGER, "integers");
  return read_numbers<int64_t>(dataset, dims, H5T_NATIVE_INT64);
}

std::vector<float> read_reals(const Hdf5Dataset& dataset, const std::vector<int64_t>& dims) {
  require_class(dataset, H5T_FLOAT, "floating-point numbers");
  return read_numbers<float>(dataset, dims, H5T_NATIVE_FLOAT);
}

std::vector<std::string> read_texts(const Hdf5Dataset& dataset, const std::vector<int64_t>& dims) {
  require_class(dataset, H5T_STRING, "text of fixed length");
  require_dims(dataset, dims);
  const size_t width = H5Tget_size(dataset.type.get());
  std::vector<char> packed = table_of<char>(dataset, width, width);
  std::vector<std::string> texts;
  read_rows(dataset, 0, dataset.dims[0], dataset.type.get(), packed.data());
  for (auto at = packed.begin(); at != packed.end(); at += static_cast<std::ptrdiff_t>(width)) {
    const auto end = at + static_cast<std::ptrdiff_t>(width);
    texts.emplace_back(at, std::find(at, end, '\0'));
  }
  return texts;
}

void require_dims(const Hdf5Dataset& dataset, const std::vector<int64_t>& expected) {
  bool equal = dataset.dims.size() == expected.size();
  for (size_t i = 0; equal && i < expected.size(); ++i) {
    equal = expected[i] < 0 || dataset.dims[i] == expected[i];
  }
  if (!equal) {
    fail("hdf5", "{} has the shape [{}], expected is [{}] (-1: any)", dataset.what,
         fmt::join(dataset.dims, ", "), fmt::join(expected, ", "));
  }
}

}  // namespace cocola
