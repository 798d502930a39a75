#include "shards/shard_writer.h"

#include <algorithm>
#include <cmath>

#include "base/atomic_file.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/json.h"
#include "shards/byte_file.h"
#include "shards/hdf5_handle.h"

namespace cocola {
namespace {

using Dims = std::vector<hsize_t>;

template <typename T>
std::span<const std::byte> bytes_of(const std::vector<T>& values) {
  return std::as_bytes(std::span(values));
}

// The strings side by side, padded with NUL to equal width.
struct PackedStrings {
  size_t width = 1;
  std::vector<char> bytes;

  explicit PackedStrings(const std::vector<std::string>& strings) {
    for (const std::string& s : strings) width = std::max(width, s.size());
    for (const std::string& s : strings) {
      bytes.insert(bytes.end(), s.begin(), s.end());
      bytes.resize(bytes.size() + width - s.size(), '\0');
    }
  }
};

void refuse_zero_bytes(const std::string& name, const std::string& origin) {
  if (name.empty() || name.find('\0') != std::string::npos) {
    fail("shard_writer", "{}: names of tracks and stems must not be empty or hold a zero byte",
         origin);
  }
}

// A large dataset that grows from its first byte to its last.
struct Values {
  std::string name;
  int64_t offset = 0;  // in the file
  int64_t num_bytes = 0, num_written = 0;
  Digest digest;
};

// Takes the place of a digest until the values are known.
const std::string kNoDigest(kDigestLength, '0');

}  // namespace

struct ShardWriter::Impl {
  std::filesystem::path path;
  ShardSettings settings;
  std::vector<ShardTrack> tracks;
  std::vector<ShardWindow> windows;
  PendingFile pending;
  Hdf5Handle file;                  // while the file is laid out
  std::unique_ptr<ByteFile> place;  // while values are written
  Values audio, features;
  FeatureEncoding encoding;
  int64_t next_track = 0, next_stem = 0, next_sample = 0;  // expected by write_stem()
  std::vector<uint16_t> encoded;

  Impl(std::filesystem::path final_path, const ShardSettings& s, std::vector<ShardTrack> t,
       std::vector<ShardWindow> w)
      : path(std::move(final_path)),
        settings(s),
        tracks(std::move(t)),
        windows(std::move(w)),
        pending(path) {}

  std::string what(const std::string& dataset) const {
    return fmt::format("{}: dataset {}", path.string(), dataset);
  }

  int64_t place_tracks();
  Hdf5Handle create_dataset(const std::string& name, hid_t type, const Dims& dims);
  void write_table(const std::string& name, hid_t type, const Dims& dims,
                   std::span<const std::byte> bytes);
  void write_names(const std::string& name, const std::vector<std::string>& names);
  void write_header(const std::string& split, const std::string& provenance_json);
  void write_track_tables();
  void write_window_tables();
  Hdf5Handle create_values(Values& values, const char* name, hid_t type, const Dims& dims);
  void lay_out(const std::string& split, const std::string& provenance_json, int64_t num_audio);
  void append(Values& values, std::span<const std::byte> bytes);
  void encode(std::span<const float> view, size_t offset);
  void require_complete() const;
};

// Lays the tracks' stems one after the other; returns the length of the audio dataset.
int64_t ShardWriter::Impl::place_tracks() {
  int64_t num_values = 0;
  for (ShardTrack& track : tracks) {
    refuse_zero_bytes(track.name, path.string());
    for (const std::string& stem : track.stem_names) refuse_zero_bytes(stem, path.string());
    track.first_value = settings.has_stems ? num_values : 0;
    num_values += static_cast<int64_t>(track.stem_names.size()) * track.num_samples;
  }
  return settings.has_stems ? num_values : 0;
}

Hdf5Handle ShardWriter::Impl::create_dataset(const std::string& name, hid_t type,
                                             const Dims& dims) {
  const std::string where = what(name);
  const Hdf5Handle space(H5Screate_simple(static_cast<int>(dims.size()), dims.data(), nullptr),
                         where);
  const Hdf5Handle creation(H5Pcreate(H5P_DATASET_CREATE), where);
  check_hdf5(H5Pset_obj_track_times(creation.get(), false), where);
  check_hdf5(H5Pset_layout(creation.get(), H5D_CONTIGUOUS), where);
  // Space is reserved at once and never filled: the place of every value is fixed from the start.
  check_hdf5(H5Pset_alloc_time(creation.get(), H5D_ALLOC_TIME_EARLY), where);
  check_hdf5(H5Pset_fill_time(creation.get(), H5D_FILL_TIME_NEVER), where);
  return Hdf5Handle(H5Dcreate2(file.get(), name.c_str(), type, space.get(), H5P_DEFAULT,
                               creation.get(), H5P_DEFAULT),
                    where);
}

void ShardWriter::Impl::write_table(const std::string& name, hid_t type, const Dims& dims,
                                    std::span<const std::byte> bytes) {
  Hdf5Handle dataset = create_dataset(name, type, dims);
  if (!bytes.empty()) {
    check_hdf5(H5Dwrite(dataset.get(), type, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes.data()),
               what(name));
  }
  write_text_attribute(dataset.get(), kDigestAttribute, digest_of(bytes), what(name));
  dataset.close(what(name));
}

void ShardWriter::Impl::write_names(const std::string& name,
                                    const std::vector<std::string>& names) {
  const PackedStrings packed(names);
  write_table(name, string_type(packed.width).get(), {names.size()}, bytes_of(packed.bytes));
}

void ShardWriter::Impl::write_header(const std::string& split, const std::string& provenance_json) {
  const std::string root = path.string();
  write_text_attribute(file.get(), "magic", kShardMagic, root);
  write_integer_attribute(file.get(), "format_version", kShardFormatVersion, root);
  write_text_attribute(file.get(), "split", split, root);
  write_text_attribute(file.get(), "settings", settings_to_json(settings).dump(), root);
  write_text_attribute(file.get(), "provenance", provenance_json, root);
  const Hdf5Handle creation(H5Pcreate(H5P_GROUP_CREATE), root);
  check_hdf5(H5Pset_obj_track_times(creation.get(), false), root);
  for (const char* group : {"/stems", "/features", "/tracks", "/windows"}) {
    Hdf5Handle(H5Gcreate2(file.get(), group, H5P_DEFAULT, creation.get(), H5P_DEFAULT), root);
  }
}

void ShardWriter::Impl::write_track_tables() {
  std::vector<std::string> names, stem_names;
  std::vector<int64_t> num_stems, first_value, num_samples;
  std::vector<float> gain;
  for (const ShardTrack& track : tracks) {
    names.push_back(track.name);
    stem_names.insert(stem_names.end(), track.stem_names.begin(), track.stem_names.end());
    num_stems.push_back(static_cast<int64_t>(track.stem_names.size()));
    first_value.push_back(track.first_value);
    num_samples.push_back(track.num_samples);
    gain.push_back(track.gain);
  }
  const Dims dims = {tracks.size()};
  write_names("/tracks/name", names);
  write_names("/tracks/stem_names", stem_names);
  write_table("/tracks/num_stems", H5T_STD_I64LE, dims, bytes_of(num_stems));
  write_table("/tracks/first_value", H5T_STD_I64LE, dims, bytes_of(first_value));
  write_table("/tracks/num_samples", H5T_STD_I64LE, dims, bytes_of(num_samples));
  write_table("/tracks/gain", H5T_IEEE_F32LE, dims, bytes_of(gain));
}

void ShardWriter::Impl::write_window_tables() {
  size_t max_stems = 1;
  for (const ShardTrack& track : tracks) max_stems = std::max(max_stems, track.stem_names.size());
  std::vector<int64_t> track_index, start_sample;
  std::vector<uint8_t> audible(windows.size() * max_stems, 0);
  for (size_t i = 0; i < windows.size(); ++i) {
    track_index.push_back(windows[i].track);
    start_sample.push_back(windows[i].start_sample);
    std::ranges::copy(windows[i].audible,
                      audible.begin() + static_cast<std::ptrdiff_t>(i * max_stems));
  }
  write_table("/windows/track", H5T_STD_I64LE, {windows.size()}, bytes_of(track_index));
  write_table("/windows/start_sample", H5T_STD_I64LE, {windows.size()}, bytes_of(start_sample));
  write_table("/windows/audible", H5T_STD_U8LE, {windows.size(), max_stems}, bytes_of(audible));
}

Hdf5Handle ShardWriter::Impl::create_values(Values& values, const char* name, hid_t type,
                                            const Dims& dims) {
  values.name = name;
  Hdf5Handle dataset = create_dataset(name, type, dims);
  values.num_bytes = static_cast<int64_t>(H5Tget_size(type));
  for (const hsize_t size : dims) values.num_bytes *= static_cast<int64_t>(size);
  if (values.num_bytes > 0) values.offset = static_cast<int64_t>(H5Dget_offset(dataset.get()));
  write_text_attribute(dataset.get(), kDigestAttribute, kNoDigest, what(name));
  return dataset;
}

void ShardWriter::Impl::lay_out(const std::string& split, const std::string& provenance_json,
                                int64_t num_audio_values) {
  const Hdf5Lock lock;
  file = create_hdf5_file(pending.temporary_path());
  write_header(split, provenance_json);
  write_track_tables();
  write_window_tables();
  const auto size = [](int64_t n) { return static_cast<hsize_t>(n); };
  if (settings.has_stems) {
    create_values(audio, kAudioDataset, H5T_STD_I16LE, {size(num_audio_values)})
        .close(what(kAudioDataset));
  }
  if (settings.pairs_per_window > 0) {
    encoding = encoding_for(settings.feature_kind);
    Hdf5Handle dataset =
        create_values(features, kFeaturesDataset, H5T_STD_U16LE,
                      {windows.size() * size(settings.pairs_per_window), 2, size(settings.channels),
                       size(settings.mel_bins), size(settings.frames)});
    write_real_attribute(dataset.get(), "scale", encoding.scale_db, what(kFeaturesDataset));
    write_real_attribute(dataset.get(), "offset", encoding.offset_db, what(kFeaturesDataset));
    dataset.close(what(kFeaturesDataset));
  }
  file.close(fmt::format("{}: laying out the file", path.string()));
}

void ShardWriter::Impl::append(Values& values, std::span<const std::byte> new_bytes) {
  place->write(values.offset + values.num_written, new_bytes);
  values.digest.update(new_bytes);
  values.num_written += static_cast<int64_t>(new_bytes.size());
}

void ShardWriter::Impl::encode(std::span<const float> view, size_t offset) {
  const float scale = static_cast<float>(1.0 / encoding.scale_db);
  const float zero = static_cast<float>(encoding.offset_db);
  for (size_t i = 0; i < view.size(); ++i) {
    if (!std::isfinite(view[i])) {
      fail("shard_writer", "{}: value {} of a pair's features is {}", path.string(), i, view[i]);
    }
    const float level = std::clamp((view[i] - zero) * scale, 0.0f, 65535.0f);
    encoded[offset + i] = static_cast<uint16_t>(std::lround(level));
  }
}

void ShardWriter::Impl::require_complete() const {
  for (const Values* values : {&audio, &features}) {
    if (values->num_written != values->num_bytes) {
      fail("shard_writer", "{}: finished after {} of {} bytes", what(values->name),
           values->num_written, values->num_bytes);
    }
  }
}

ShardWriter::ShardWriter(std::filesystem::path path, const ShardSettings& settings,
                         const std::string& split, std::vector<ShardTrack> tracks,
                         std::vector<ShardWindow> windows, const std::string& provenance_json) {
  settings.validate(path.string());
  impl_ = std::make_unique<Impl>(std::move(path), settings, std::move(tracks), std::move(windows));
  const int64_t num_values = impl_->place_tracks();
  check_tables(impl_->settings, impl_->tracks, impl_->windows, num_values, impl_->path.string());

  impl_->lay_out(split, provenance_json, num_values);
  impl_->place =
      std::make_unique<ByteFile>(impl_->pending.temporary_path(), ByteFile::Access::write);
  for (const Values* values : {&impl_->audio, &impl_->features}) {
    impl_->place->reserve(values->offset, values->num_bytes);
  }
}

ShardWriter::~ShardWriter() = default;

void ShardWriter::write_stem(int64_t track, int64_t stem, std::span<const int16_t> samples) {
  Impl& s = *impl_;
  if (!s.settings.has_stems || track != s.next_track || stem != s.next_stem ||
      track >= static_cast<int64_t>(s.tracks.size())) {
    fail("shard_writer", "{}: stem {} of track {} is out of order", s.path.string(), stem, track);
  }
  const ShardTrack& declared = s.tracks[static_cast<size_t>(track)];
  const int64_t end = s.next_sample + static_cast<int64_t>(samples.size());
  if (end > declared.num_samples) {
    fail("shard_writer", "{}: stem {} of track \"{}\" has {} samples, {} were declared",
         s.path.string(), stem, declared.name, end, declared.num_samples);
  }
  s.append(s.audio, std::as_bytes(samples));
  s.next_sample = end;
  if (end < declared.num_samples) return;
  s.next_sample = 0;
  if (++s.next_stem == static_cast<int64_t>(declared.stem_names.size())) {
    ++s.next_track;
    s.next_stem = 0;
  }
}

void ShardWriter::write_features(int64_t window, int64_t pair, std::span<const float> anchor,
                                 std::span<const float> positive) {
  Impl& s = *impl_;
  const ShardSettings& settings = s.settings;
  const int64_t pair_bytes = 2 * settings.view_values() * int64_t{sizeof(uint16_t)};
  if (pair < 0 || pair >= settings.pairs_per_window ||
      (window * settings.pairs_per_window + pair) * pair_bytes != s.features.num_written ||
      s.features.num_written == s.features.num_bytes) {
    fail("shard_writer", "{}: pair {} of window {} is out of order", s.path.string(), pair, window);
  }
  const auto view_values = static_cast<size_t>(settings.view_values());
  if (anchor.size() != view_values || positive.size() != view_values) {
    fail("shard_writer", "{}: views of {} and {} values, {} were declared", s.path.string(),
         anchor.size(), positive.size(), view_values);
  }
  s.encoded.resize(2 * view_values);
  s.encode(anchor, 0);
  s.encode(positive, view_values);
  s.append(s.features, bytes_of(s.encoded));
}

std::string ShardWriter::finish(const BeforeRename& before_rename) {
  Impl& s = *impl_;
  s.require_complete();
  s.place.reset();
  {
    const Hdf5Lock lock;
    s.file = open_hdf5_file(s.pending.temporary_path(), H5F_ACC_RDWR);
    for (const Values* values : {&s.audio, &s.features}) {
      if (values->name.empty()) continue;
      const std::string where = s.what(values->name);
      Hdf5Handle dataset(H5Dopen2(s.file.get(), values->name.c_str(), H5P_DEFAULT), where);
      overwrite_text_attribute(dataset.get(), kDigestAttribute, values->digest.hex(), where);
      dataset.close(where);
    }
    s.file.close(fmt::format("{}: writing digests", s.path.string()));
  }
  const std::string digest = digest_of_file(s.pending.temporary_path());
  if (before_rename) {
    before_rename(digest,
                  static_cast<int64_t>(std::filesystem::file_size(s.pending.temporary_path())));
  }
  s.pending.publish();
  return digest;
}

}  // namespace cocola
