#include "shards/hdf5_handle.h"

#include <algorithm>

#include "base/error.h"

namespace cocola {
namespace {

constexpr size_t kMaxTextBytes = size_t{64} << 20;

std::recursive_mutex& library_mutex() {
  static std::recursive_mutex mutex;
  return mutex;
}

herr_t keep_first_message(unsigned position, const H5E_error2_t* error, void* text) {
  if (position == 0 && error->desc != nullptr) *static_cast<std::string*>(text) = error->desc;
  return 0;
}

Hdf5Handle file_access(const std::string& what) {
  Hdf5Handle access(H5Pcreate(H5P_FILE_ACCESS), what);
  check_hdf5(H5Pset_fapl_sec2(access.get()), what);
  check_hdf5(H5Pset_file_locking(access.get(), false, true), what);
  // Metadata in the format of HDF5 1.8 carries checksums of its own.
  check_hdf5(H5Pset_libver_bounds(access.get(), H5F_LIBVER_V18, H5F_LIBVER_LATEST), what);
  return access;
}

void write_attribute(hid_t object, const char* name, hid_t type, const void* value,
                     const std::string& what) {
  const std::string where = fmt::format("{}: writing attribute \"{}\"", what, name);
  const Hdf5Handle space(H5Screate(H5S_SCALAR), where);
  const Hdf5Handle attribute(H5Acreate2(object, name, type, space.get(), H5P_DEFAULT, H5P_DEFAULT),
                             where);
  check_hdf5(H5Awrite(attribute.get(), type, value), where);
}

Hdf5Handle open_attribute(hid_t object, const char* name, H5T_class_t expected,
                          const std::string& what) {
  const std::string where = fmt::format("{}: attribute \"{}\"", what, name);
  if (check_hdf5(H5Aexists(object, name), where) == 0) fail("hdf5", "{} is missing", where);
  Hdf5Handle attribute(H5Aopen(object, name, H5P_DEFAULT), where);
  const Hdf5Handle space(H5Aget_space(attribute.get()), where);
  const Hdf5Handle type(H5Aget_type(attribute.get()), where);
  if (H5Sget_simple_extent_npoints(space.get()) != 1 || H5Tget_class(type.get()) != expected ||
      (expected == H5T_STRING && H5Tis_variable_str(type.get()) != 0)) {
    fail("hdf5", "{} is not a single {}", where,
         expected == H5T_STRING    ? "text of fixed length"
         : expected == H5T_INTEGER ? "integer"
                                   : "floating-point number");
  }
  return attribute;
}

}  // namespace

Hdf5Lock::Hdf5Lock() : lock_(library_mutex()) {
  // At exit the library would close again what failed to close on a full disk, and crash.
  static const herr_t no_closing_at_exit = H5dont_atexit();
  static_cast<void>(no_closing_at_exit);
  // Both are cheap; the error settings belong to the calling thread.
  H5PLset_loading_state(0);
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
}

void fail_hdf5(const std::string& what) {
  std::string reason = "no reason given";
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_first_message, &reason);
  H5Eclear2(H5E_DEFAULT);
  std::ranges::replace(reason, '\n', ' ');
  fail("hdf5", "{}: {}", what, reason);
}

Hdf5Handle& Hdf5Handle::operator=(Hdf5Handle&& other) noexcept {
  if (this != &other) {
    reset();
    id_ = std::exchange(other.id_, H5I_INVALID_HID);
  }
  return *this;
}

void Hdf5Handle::reset() noexcept {
  if (id_ < 0) return;
  const Hdf5Lock lock;
  H5Idec_ref(std::exchange(id_, H5I_INVALID_HID));
}

void Hdf5Handle::close(const std::string& what) {
  check_hdf5(H5Idec_ref(std::exchange(id_, H5I_INVALID_HID)), what);
}

Hdf5Handle create_hdf5_file(const std::filesystem::path& path) {
  const std::string what = fmt::format("{}: creating the file", path.string());
  const Hdf5Handle access = file_access(what);
  const Hdf5Handle creation(H5Pcreate(H5P_FILE_CREATE), what);
  // No time stamps: the same input gives the same bytes.
  check_hdf5(H5Pset_obj_track_times(creation.get(), false), what);
  return Hdf5Handle(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, creation.get(), access.get()), what);
}

Hdf5Handle open_hdf5_file(const std::filesystem::path& path, unsigned flags) {
  const std::string what = fmt::format("{}: opening as HDF5", path.string());
  const Hdf5Handle access = file_access(what);
  return Hdf5Handle(H5Fopen(path.c_str(), flags, access.get()), what);
}

Hdf5Handle string_type(size_t size) {
  Hdf5Handle type(H5Tcopy(H5T_C_S1), "string type");
  check_hdf5(H5Tset_size(type.get(), std::max<size_t>(1, size)), "string type");
  check_hdf5(H5Tset_cset(type.get(), H5T_CSET_UTF8), "string type");
  check_hdf5(H5Tset_strpad(type.get(), H5T_STR_NULLPAD), "string type");
  return type;
}

void write_text_attribute(hid_t object, const char* name, const std::string& text,
                          const std::string& what) {
  write_attribute(object, name, string_type(text.size()).get(), text.c_str(), what);
}

void overwrite_text_attribute(hid_t object, const char* name, const std::string& text,
                              const std::string& what) {
  const Hdf5Handle attribute = open_attribute(object, name, H5T_STRING, what);
  check_hdf5(H5Awrite(attribute.get(), string_type(text.size()).get(), text.c_str()),
             fmt::format("{}: writing attribute \"{}\"", what, name));
}

void write_integer_attribute(hid_t object, const char* name, int64_t value,
                             const std::string& what) {
  write_attribute(object, name, H5T_STD_I64LE, &value, what);
}

void write_real_attribute(hid_t object, const char* name, double value, const std::string& what) {
  write_attribute(object, name, H5T_IEEE_F64LE, &value, what);
}

std::string read_text_attribute(hid_t object, const char* name, const std::string& what) {
  const Hdf5Handle attribute = open_attribute(object, name, H5T_STRING, what);
  const Hdf5Handle type(H5Aget_type(attribute.get()), what);
  const size_t size = H5Tget_size(type.get());
  if (size > kMaxTextBytes) {
    fail("hdf5", "{}: attribute \"{}\" has {} bytes, at most {} are accepted", what, name, size,
         kMaxTextBytes);
  }
  std::string text(size, '\0');
  check_hdf5(H5Aread(attribute.get(), type.get(), text.data()),
             fmt::format("{}: reading attribute \"{}\"", what, name));
  text.resize(std::min(text.find('\0'), text.size()));
  return text;
}

int64_t read_integer_attribute(hid_t object, const char* name, const std::string& what) {
  const Hdf5Handle attribute = open_attribute(object, name, H5T_INTEGER, what);
  int64_t value = 0;
  check_hdf5(H5Aread(attribute.get(), H5T_NATIVE_INT64, &value),
             fmt::format("{}: reading attribute \"{}\"", what, name));
  return value;
}

double read_real_attribute(hid_t object, const char* name, const std::string& what) {
  const Hdf5Handle attribute = open_attribute(object, name, H5T_FLOAT, what);
  double value = 0.0;
  check_hdf5(H5Aread(attribute.get(), H5T_NATIVE_DOUBLE, &value),
             fmt::format("{}: reading attribute \"{}\"", what, name));
  return value;
}

}  // namespace cocola
