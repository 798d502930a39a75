#include "shards/shard_reader.h"

#include <cmath>
#include <optional>

#include "base/error.h"
#include "base/json.h"
#include "shards/byte_file.h"
#include "shards/hdf5_dataset.h"

namespace cocola {
namespace {

// A large dataset: read by pread when its place is known, else through HDF5. An open dataset keeps
// the HDF5 file open.
struct Values {
  Hdf5Dataset dataset;
  std::optional<int64_t> offset;

  void close_if_direct() {
    if (!offset) return;
    dataset.id.reset();
    dataset.type.reset();
  }
};

std::vector<std::string> dataset_names(const ShardSettings& settings) {
  std::vector<std::string> names(kTableDatasets.begin(), kTableDatasets.end());
  if (settings.has_stems) names.emplace_back(kAudioDataset);
  if (settings.pairs_per_window > 0) names.emplace_back(kFeaturesDataset);
  return names;
}

}  // namespace

struct ShardReader::Impl {
  std::filesystem::path path;
  ByteFile bytes;
  std::string split, provenance;
  ShardSettings settings;
  std::vector<ShardTrack> tracks;
  std::vector<ShardWindow> windows;
  Values audio, features;
  float scale_db = 0.0f, offset_db = 0.0f;

  explicit Impl(const std::filesystem::path& p) : path(p), bytes(p, ByteFile::Access::read) {}

  std::string name() const { return path.string(); }
  void read_header(hid_t file);
  void read_tracks(hid_t file);
  void read_windows(hid_t file);
  Values open_values(hid_t file, const char* dataset, hid_t native_type,
                     const std::vector<int64_t>& dims);
  void open_features(hid_t file);
  void read_values(const Values& values, int64_t first_row, int64_t num_rows, hid_t native_type,
                   std::span<std::byte> out) const;
  void require_index(const char* kind, int64_t index, int64_t size) const;
};

void ShardReader::Impl::read_header(hid_t file) {
  const std::string magic = read_text_attribute(file, "magic", name());
  if (magic != kShardMagic) {
    fail("shard_reader", "{}: magic \"{}\" where a shard has \"{}\"", name(), magic, kShardMagic);
  }
  const int64_t version = read_integer_attribute(file, "format_version", name());
  if (version != kShardFormatVersion) {
    fail("shard_reader", "{}: format version {}, this program reads {}; make the shards again",
         name(), version, kShardFormatVersion);
  }
  split = read_text_attribute(file, "split", name());
  provenance = read_text_attribute(file, "provenance", name());
  settings = settings_from_json(
      parse_json_strictly(read_text_attribute(file, "settings", name()), name()), name());
}

void ShardReader::Impl::read_tracks(hid_t file) {
  const auto table = [&](const char* dataset) { return open_dataset(file, name(), dataset); };
  const auto names = read_texts(table("/tracks/name"), {-1});
  const std::vector<int64_t> dims = {static_cast<int64_t>(names.size())};
  const auto num_stems = read_integers(table("/tracks/num_stems"), dims);
  const auto first_value = read_integers(table("/tracks/first_value"), dims);
  const auto num_samples = read_integers(table("/tracks/num_samples"), dims);
  const auto gain = read_reals(table("/tracks/gain"), dims);
  const auto stem_names = read_texts(table("/tracks/stem_names"), {-1});
  auto next_name = stem_names.begin();
  for (size_t i = 0; i < names.size(); ++i) {
    if (num_stems[i] < 1 || num_stems[i] > stem_names.end() - next_name) {
      fail("shard_reader", "{}: dataset /tracks/num_stems: {} at track {}, {} names are left",
           name(), num_stems[i], i, stem_names.end() - next_name);
    }
    tracks.push_back({.name = names[i],
                      .stem_names = {next_name, next_name + num_stems[i]},
                      .first_value = first_value[i],
                      .num_samples = num_samples[i],
                      .gain = gain[i]});
    next_name += num_stems[i];
  }
}

void ShardReader::Impl::read_windows(hid_t file) {
  const auto track = read_integers(open_dataset(file, name(), "/windows/track"), {-1});
  const auto num_windows = static_cast<int64_t>(track.size());
  const auto start =
      read_integers(open_dataset(file, name(), "/windows/start_sample"), {num_windows});
  const Hdf5Dataset flags = open_dataset(file, name(), "/windows/audible");
  const auto audible = read_integers(flags, {num_windows, -1});
  const auto width = static_cast<size_t>(flags.dims[1]);
  for (size_t i = 0; i < track.size(); ++i) {
    require_index("track", track[i], static_cast<int64_t>(tracks.size()));
    const size_t num_stems = tracks[static_cast<size_t>(track[i])].stem_names.size();
    ShardWindow window{.track = track[i], .start_sample = start[i], .audible = {}};
    for (size_t s = 0; s < width; ++s) {
      const int64_t flag = audible[i * width + s];
      if (flag < 0 || flag > (s < num_stems ? 1 : 0)) {
        fail("shard_reader", "{}: value {} at window {}, stem {} of {}", flags.what, flag, i, s,
             num_stems);
      }
      if (s < num_stems) window.audible.push_back(static_cast<uint8_t>(flag));
    }
    windows.push_back(std::move(window));
  }
}

Values ShardReader::Impl::open_values(hid_t file, const char* dataset, hid_t native_type,
                                      const std::vector<int64_t>& dims) {
  Values values{.dataset = open_dataset(file, name(), dataset), .offset = {}};
  const Hdf5Dataset& d = values.dataset;
  require_dims(d, dims);
  if (H5Tget_class(d.type.get()) != H5T_INTEGER ||
      H5Tget_size(d.type.get()) != H5Tget_size(native_type) ||
      H5Tget_sign(d.type.get()) != H5Tget_sign(native_type)) {
    fail("shard_reader", "{} does not hold {} integers of 16 bits", d.what,
         H5Tget_sign(native_type) == H5T_SGN_NONE ? "unsigned" : "signed");
  }
  values.offset = direct_offset(d, native_type, bytes.num_bytes());
  return values;
}

void ShardReader::Impl::open_features(hid_t file) {
  const auto num_windows = static_cast<int64_t>(windows.size());
  features = open_values(file, kFeaturesDataset, H5T_NATIVE_UINT16,
                         {num_windows * settings.pairs_per_window, 2, settings.channels,
                          settings.mel_bins, settings.frames});
  const Hdf5Dataset& d = features.dataset;
  const double scale = read_real_attribute(d.id.get(), "scale", d.what);
  const double offset = read_real_attribute(d.id.get(), "offset", d.what);
  if (!(scale > 0.0 && scale <= 1.0) || !(std::abs(offset) <= 1000.0)) {
    fail("shard_reader", "{}: scale {} and offset {}, allowed is (0, 1] and [-1000, 1000] dB",
         d.what, scale, offset);
  }
  scale_db = static_cast<float>(scale);
  offset_db = static_cast<float>(offset);
}

void ShardReader::Impl::read_values(const Values& values, int64_t first_row, int64_t num_rows,
                                    hid_t native_type, std::span<std::byte> out) const {
  if (values.offset) {
    bytes.read(*values.offset + first_row * values.dataset.row_bytes, out);
    return;
  }
  const Hdf5Lock lock;
  read_rows(values.dataset, first_row, num_rows, native_type, out.data());
}

void ShardReader::Impl::require_index(const char* kind, int64_t index, int64_t size) const {
  if (index < 0 || index >= size) {
    fail("shard_reader", "{}: {} {} does not exist; there are {}", name(), kind, index, size);
  }
}

ShardReader::ShardReader(const std::filesystem::path& path) : impl_(std::make_unique<Impl>(path)) {
  Impl& s = *impl_;
  const Hdf5Lock lock;
  const Hdf5Handle file = open_hdf5_file(path);
  s.read_header(file.get());
  s.read_tracks(file.get());
  s.read_windows(file.get());
  if (s.settings.has_stems) {
    s.audio = s.open_values(file.get(), kAudioDataset, H5T_NATIVE_INT16, {-1});
  }
  const int64_t num_audio_values = s.settings.has_stems ? s.audio.dataset.dims[0] : 0;
  check_tables(s.settings, s.tracks, s.windows, num_audio_values, s.name());
  if (s.settings.pairs_per_window > 0) s.open_features(file.get());
  s.audio.close_if_direct();
  s.features.close_if_direct();
}

ShardReader::~ShardReader() = default;
ShardReader::ShardReader(ShardReader&&) noexcept = default;

const std::filesystem::path& ShardReader::path() const { return impl_->path; }
const std::string& ShardReader::split() const { return impl_->split; }
const ShardSettings& ShardReader::settings() const { return impl_->settings; }
const std::vector<ShardTrack>& ShardReader::tracks() const { return impl_->tracks; }
const std::vector<ShardWindow>& ShardReader::windows() const { return impl_->windows; }
const std::string& ShardReader::provenance() const { return impl_->provenance; }

void ShardReader::read_stem(int64_t window, int64_t stem, std::span<int16_t> out) const {
  const Impl& s = *impl_;
  if (!s.settings.has_stems) fail("shard_reader", "{}: holds no stems", s.name());
  s.require_index("window", window, static_cast<int64_t>(s.windows.size()));
  const ShardWindow& place = s.windows[static_cast<size_t>(window)];
  const ShardTrack& track = s.tracks[static_cast<size_t>(place.track)];
  s.require_index("stem", stem, static_cast<int64_t>(track.stem_names.size()));
  if (static_cast<int64_t>(out.size()) != s.settings.window_samples) {
    fail("shard_reader", "{}: room for {} samples, a window has {}", s.name(), out.size(),
         s.settings.window_samples);
  }
  const int64_t first = track.first_value + stem * track.num_samples + place.start_sample;
  s.read_values(s.audio, first, s.settings.window_samples, H5T_NATIVE_INT16,
                std::as_writable_bytes(out));
}

void ShardReader::read_features(int64_t window, int64_t pair, std::span<float> anchor,
                                std::span<float> positive, std::vector<uint16_t>& scratch) const {
  const Impl& s = *impl_;
  if (s.settings.pairs_per_window == 0) fail("shard_reader", "{}: holds no features", s.name());
  s.require_index("window", window, static_cast<int64_t>(s.windows.size()));
  s.require_index("pair", pair, s.settings.pairs_per_window);
  const auto view_values = static_cast<size_t>(s.settings.view_values());
  if (anchor.size() != view_values || positive.size() != view_values) {
    fail("shard_reader", "{}: room for {} and {} values, a view has {}", s.name(), anchor.size(),
         positive.size(), view_values);
  }
  scratch.resize(2 * view_values);
  s.read_values(s.features, window * s.settings.pairs_per_window + pair, 1, H5T_NATIVE_UINT16,
                std::as_writable_bytes(std::span(scratch)));
  const float scale = s.scale_db, offset = s.offset_db;
  const uint16_t* encoded = scratch.data();
  for (const std::span<float> view : {anchor, positive}) {
    for (size_t i = 0; i < view_values; ++i) {
      view[i] = offset + scale * static_cast<float>(encoded[i]);
    }
    encoded += view_values;
  }
}

void ShardReader::verify() const {
  const Hdf5Lock lock;
  const Hdf5Handle file = open_hdf5_file(impl_->path);
  for (const std::string& dataset_name : dataset_names(impl_->settings)) {
    const Hdf5Dataset dataset = open_dataset(file.get(), impl_->name(), dataset_name);
    const std::string expected =
        read_text_attribute(dataset.id.get(), kDigestAttribute, dataset.what);
    const std::string found = digest_of_dataset(dataset);
    if (found != expected) {
      fail("shard_reader", "{} is damaged: its digest is {}, expected is {}; make the shard again",
           dataset.what, found, expected);
    }
  }
}

bool ShardReader::reads_directly(const std::string& dataset) const {
  if (dataset == kAudioDataset) return impl_->audio.offset.has_value();
  return dataset == kFeaturesDataset && impl_->features.offset.has_value();
}

}  // namespace cocola
