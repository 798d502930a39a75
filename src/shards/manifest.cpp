#include <set>

#include "base/atomic_file.h"
#include "base/digest.h"
#include "base/error.h"
#include "shards/json_member.h"
#include "shards/shard_set.h"

namespace cocola {
namespace {

constexpr const char* kManifestMagic = "cocola-manifest";
constexpr uint64_t kMaxManifestBytes = uint64_t{256} << 20;
constexpr size_t kMaxShards = 1'000'000;
const std::string kNoDigest(kDigestLength, '0');

// The digest field is filled with zeros while the digest of the text is computed. It is the first
// place where its value stands in quotes.
void replace_digest(std::string& text, const std::string& from, const std::string& to) {
  const size_t at = text.find('"' + from + '"');
  if (at != std::string::npos) text.replace(at + 1, from.size(), to);
}

int64_t count_member(const Json& object, const char* key, const std::string& origin) {
  const auto count = json_member_as<int64_t>(object, key, origin);
  if (count < 0) fail("manifest", "{}: key \"{}\" is {}, must not be negative", origin, key, count);
  return count;
}

void require_plain_name(const std::string& file, const std::string& origin) {
  const bool plain = !file.empty() && file.size() <= 255 && file != "." && file != ".." &&
                     file.find_first_of(std::string("/\\\0", 3)) == std::string::npos;
  if (!plain) {
    fail("manifest", "{}: shard \"{}\" is not a plain file name beside the manifest", origin, file);
  }
}

ManifestEntry read_entry(const Json& json, const std::string& origin) {
  ManifestEntry entry{.file = json_member_as<std::string>(json, "file", origin),
                      .split = json_member_as<std::string>(json, "split", origin),
                      .digest = json_member_as<std::string>(json, "digest", origin),
                      .num_bytes = count_member(json, "num_bytes", origin),
                      .num_tracks = count_member(json, "num_tracks", origin),
                      .num_windows = count_member(json, "num_windows", origin)};
  require_plain_name(entry.file, origin);
  return entry;
}

void require_own_digest(std::string text, const Json& json, const std::string& origin) {
  const std::string expected = json_member_as<std::string>(json, "digest", origin);
  replace_digest(text, expected, kNoDigest);
  const std::string found = digest_of(text);
  if (found != expected) {
    fail("manifest", "{} is damaged: its digest is {}, it says {}; write it again", origin, found,
         expected);
  }
}

}  // namespace

void write_manifest(const std::filesystem::path& directory, const Manifest& manifest) {
  OrderedJson json;
  json["magic"] = kManifestMagic;
  json["format_version"] = kShardFormatVersion;
  json["digest"] = kNoDigest;
  json["version"] = manifest.version;
  json["settings"] = settings_to_json(manifest.settings);
  json["config_yaml"] = manifest.config_yaml;
  json["shards"] = OrderedJson::array();
  for (const ManifestEntry& entry : manifest.shards) {
    require_plain_name(entry.file, kManifestName);
    json["shards"].push_back({{"file", entry.file},
                              {"split", entry.split},
                              {"digest", entry.digest},
                              {"num_bytes", entry.num_bytes},
                              {"num_tracks", entry.num_tracks},
                              {"num_windows", entry.num_windows}});
  }
  json["skipped_tracks"] = OrderedJson::array();
  for (const SkippedTrack& skipped : manifest.skipped) {
    json["skipped_tracks"].push_back(
        {{"track", skipped.track}, {"split", skipped.split}, {"reason", skipped.reason}});
  }
  // A path in the configuration may not be UTF-8; JSON must be.
  std::string text = json.dump(2, ' ', false, OrderedJson::error_handler_t::replace) + "\n";
  replace_digest(text, kNoDigest, digest_of(text));
  write_file_atomically(directory / kManifestName, text);
}

Manifest read_manifest(const std::filesystem::path& directory) {
  const std::filesystem::path path = directory / kManifestName;
  const std::string origin = path.string();
  const std::string text = read_file(path, kMaxManifestBytes);
  const Json json = parse_json_strictly(text, origin);
  if (json_member_as<std::string>(json, "magic", origin) != kManifestMagic) {
    fail("manifest", "{}: magic is not \"{}\"", origin, kManifestMagic);
  }
  const int64_t version = count_member(json, "format_version", origin);
  if (version != kShardFormatVersion) {
    fail("manifest", "{}: format version {}, this program reads {}; make the shards again", origin,
         version, kShardFormatVersion);
  }
  require_own_digest(text, json, origin);

  Manifest manifest{.settings = settings_from_json(json_member(json, "settings", origin), origin),
                    .config_yaml = json_member_as<std::string>(json, "config_yaml", origin),
                    .version = json_member_as<std::string>(json, "version", origin),
                    .shards = {},
                    .skipped = {}};
  const Json& shards = json_member(json, "shards", origin);
  if (!shards.is_array() || shards.size() > kMaxShards) {
    fail("manifest", "{}: \"shards\" is not a list of at most {} shards", origin, kMaxShards);
  }
  std::set<std::string> seen;
  for (const Json& shard : shards) {
    manifest.shards.push_back(read_entry(shard, origin));
    if (!seen.insert(manifest.shards.back().file).second) {
      fail("manifest", "{}: shard \"{}\" is listed twice", origin, manifest.shards.back().file);
    }
  }
  const Json& skipped_tracks = json_member(json, "skipped_tracks", origin);
  if (!skipped_tracks.is_array()) fail("manifest", "{}: \"skipped_tracks\" is no list", origin);
  for (const Json& skipped : skipped_tracks) {
    manifest.skipped.push_back({json_member_as<std::string>(skipped, "track", origin),
                                json_member_as<std::string>(skipped, "split", origin),
                                json_member_as<std::string>(skipped, "reason", origin)});
  }
  return manifest;
}

}  // namespace cocola
