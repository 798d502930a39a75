// A FLAC file as input of libsndfile with the stated number of samples hidden. The decoder stops at
// that number without a word, so samples behind it are only found when it does not know.
#pragma once
#include <sndfile.h>

#include <cstdint>
#include <string>

namespace cocola {

class FlacStream {
 public:
  // first_byte: of "fLaC" in the file behind `fd`, which must stay open. name: for messages.
  FlacStream(int fd, int64_t file_bytes, int64_t first_byte, const std::string& name);

  int64_t stated_samples() const { return stated_samples_; }  // 0: the file does not say
  // Null when it cannot be decoded. Requires: the stream outlives the decoder and stays in place.
  SNDFILE* open(SF_INFO& info);

 private:
  sf_count_t read(void* out, sf_count_t count);
  sf_count_t seek(sf_count_t offset, int whence);

  int fd_;
  int64_t file_bytes_, count_at_;  // where the five bytes with the number lie
  int64_t position_ = 0, stated_samples_ = 0;
};

}  // namespace cocola
