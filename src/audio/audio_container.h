// Recognises the container of an audio file from its first bytes, before any decoder sees the file.
#pragma once
#include <cstdint>
#include <string>

namespace cocola {

enum class AudioContainer { wav, rf64, w64, aiff, flac, ogg, mpeg };

// Reads through `fd` without moving its position. `name` is for messages.
//
// Throws: Error naming the file when its first bytes belong to no container of the list, and when a
//         chunk of samples (wav, rf64, w64, aiff) claims more bytes than the file holds: decoders
//         shorten such a chunk in silence. A wav of unknown length (claim 0xFFFFFFFF, as written
//         into a pipe) is accepted.
//         An ogg file must be one stream whose last page states the most samples, else decoders
//         leave out samples in silence.
AudioContainer recognise_container(int fd, int64_t file_bytes, const std::string& name);

// Offset of the first byte behind all ID3v2 tags; 0 without one.
int64_t end_of_tags(int fd, int64_t file_bytes, const std::string& name);

}  // namespace cocola
