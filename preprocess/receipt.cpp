#include "preprocess/receipt.h"

#include <algorithm>

#include "base/atomic_file.h"
#include "base/error.h"
#include "shards/json_member.h"

namespace cocola {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFolder = "receipts";
constexpr const char* kMagic = "cocola-receipt";
constexpr uint64_t kMaxBytes = uint64_t{256} << 20;

fs::path path_of(const fs::path& directory, const std::string& shard) {
  return directory / kFolder / (shard + ".json");
}

Json to_json(const ManifestEntry& entry) {
  return {{"file", entry.file},
          {"split", entry.split},
          {"digest", entry.digest},
          {"num_bytes", entry.num_bytes},
          {"num_tracks", entry.num_tracks},
          {"num_windows", entry.num_windows}};
}

ManifestEntry entry_from(const Json& json, const std::string& origin) {
  return {.file = json_member_as<std::string>(json, "file", origin),
          .split = json_member_as<std::string>(json, "split", origin),
          .digest = json_member_as<std::string>(json, "digest", origin),
          .num_bytes = json_member_as<int64_t>(json, "num_bytes", origin),
          .num_tracks = json_member_as<int64_t>(json, "num_tracks", origin),
          .num_windows = json_member_as<int64_t>(json, "num_windows", origin)};
}

Json to_json(const SourceFile& source) {
  return {{"track", source.track},
          {"stem", source.stem},
          {"file", source.path.filename().string()},
          {"num_bytes", source.num_bytes},
          {"modified_ns", source.modified_ns},
          {"digest", source.digest}};
}

SourceFile source_from(const Json& json, const std::string& origin) {
  return {.track = json_member_as<std::string>(json, "track", origin),
          .stem = json_member_as<std::string>(json, "stem", origin),
          .path = json_member_as<std::string>(json, "file", origin),
          .num_bytes = json_member_as<int64_t>(json, "num_bytes", origin),
          .modified_ns = json_member_as<int64_t>(json, "modified_ns", origin),
          .digest = json_member_as<std::string>(json, "digest", origin)};
}

}  // namespace

void write_receipt(const fs::path& directory, const ShardReceipt& receipt) {
  Json json = {{"magic", kMagic},
               {"entry", to_json(receipt.entry)},
               {"settings", receipt.settings},
               {"skipped", Json::array()},
               {"sources", Json::array()}};
  for (const SkippedTrack& skipped : receipt.skipped) {
    json["skipped"].push_back(
        {{"track", skipped.track}, {"split", skipped.split}, {"reason", skipped.reason}});
  }
  for (const SourceFile& source : receipt.sources) json["sources"].push_back(to_json(source));
  fs::create_directories(directory / kFolder);
  write_file_atomically(path_of(directory, receipt.entry.file),
                        json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n");
}

std::optional<ShardReceipt> read_receipt(const fs::path& directory, const std::string& shard) {
  const fs::path path = path_of(directory, shard);
  if (!fs::exists(path)) return std::nullopt;
  const std::string origin = path.string();
  const Json json = parse_json_strictly(read_file(path, kMaxBytes), origin);
  if (json_member_as<std::string>(json, "magic", origin) != kMagic) {
    fail("receipt", "{}: magic is not \"{}\"; remove the file", origin, kMagic);
  }
  ShardReceipt receipt;
  receipt.entry = entry_from(json_member(json, "entry", origin), origin);
  receipt.settings = json_member(json, "settings", origin);
  for (const Json& skipped : json_member(json, "skipped", origin)) {
    receipt.skipped.push_back({json_member_as<std::string>(skipped, "track", origin),
                               json_member_as<std::string>(skipped, "split", origin),
                               json_member_as<std::string>(skipped, "reason", origin)});
  }
  for (const Json& source : json_member(json, "sources", origin)) {
    receipt.sources.push_back(source_from(source, origin));
  }
  return receipt;
}

void remove_receipt(const fs::path& directory, const std::string& shard) {
  fs::remove(path_of(directory, shard));
}

std::vector<std::string> receipts_in(const fs::path& directory) {
  std::vector<std::string> shards;
  std::error_code error;
  for (const auto& file : fs::directory_iterator(directory / kFolder, error)) {
    const std::string name = file.path().filename().string();
    if (!name.starts_with('.') && name.ends_with(".json")) {
      shards.push_back(name.substr(0, name.size() - 5));
    }
  }
  std::ranges::sort(shards);
  return shards;
}

}  // namespace cocola
