// The HDF5 C library made safe: one lock around all calls, handles that close themselves, failures
// that throw with the library's own reason. For the sources of this folder only.
//
// Threads: every function here needs a Hdf5Lock alive in the calling thread.
#pragma once
#include <hdf5.h>

#include <filesystem>
#include <mutex>
#include <string>
#include <utility>

namespace cocola {

// Keeps HDF5 to one thread at a time. On entry the library's own printing and its plugins (code
// loaded by name from a file) are switched off.
class Hdf5Lock {
 public:
  Hdf5Lock();

 private:
  std::lock_guard<std::recursive_mutex> lock_;
};

// Throws: Error "<what>: <innermost message of HDF5's error stack>".
[[noreturn]] void fail_hdf5(const std::string& what);

// Passes the result of an HDF5 call through unless it says failure.
template <typename Status>
Status check_hdf5(Status status, const std::string& what) {
  if (status < 0) fail_hdf5(what);
  return status;
}

// Owns one identifier of any kind.
class Hdf5Handle {
 public:
  Hdf5Handle() = default;
  Hdf5Handle(hid_t id, const std::string& what) : id_(check_hdf5(id, what)) {}
  ~Hdf5Handle() { reset(); }
  Hdf5Handle(Hdf5Handle&& other) noexcept : id_(std::exchange(other.id_, H5I_INVALID_HID)) {}
  Hdf5Handle& operator=(Hdf5Handle&& other) noexcept;

  hid_t get() const { return id_; }
  explicit operator bool() const { return id_ >= 0; }
  // Closes; takes the lock itself, so that destructors need none.
  void reset() noexcept;
  // Closes. Throws: Error when the library cannot, as when buffered data do not fit on the disk.
  void close(const std::string& what);

 private:
  hid_t id_ = H5I_INVALID_HID;
};

// Without file locks: shards are written once under a temporary name, and network file systems
// refuse locks.
Hdf5Handle create_hdf5_file(const std::filesystem::path& path);
Hdf5Handle open_hdf5_file(const std::filesystem::path& path, unsigned flags = H5F_ACC_RDONLY);

// Fixed-length, null-padded UTF-8 of `size` bytes, at least 1.
Hdf5Handle string_type(size_t size);

// Values of scalar attributes. what: the object, for messages.
void write_text_attribute(hid_t object, const char* name, const std::string& text,
                          const std::string& what);
// Replaces the text of an attribute by one of the same length, in place.
void overwrite_text_attribute(hid_t object, const char* name, const std::string& text,
                              const std::string& what);
void write_integer_attribute(hid_t object, const char* name, int64_t value,
                             const std::string& what);
void write_real_attribute(hid_t object, const char* name, double value, const std::string& what);
// Throws: Error when missing, not scalar, of another kind or, for text, of variable length or above
// 64 MiB.
std::string read_text_attribute(hid_t object, const char* name, const std::string& what);
int64_t read_integer_attribute(hid_t object, const char* name, const std::string& what);
double read_real_attribute(hid_t object, const char* name, const std::string& what);

}  // namespace cocola
