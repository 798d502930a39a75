#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>

#include "preprocess/miniature.h"

namespace cocola {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::lines_of;
using testing::Miniature;
namespace fs = std::filesystem;

// A stemName that occurs twice, and stems of several sources.
const Miniature::MoisesStems kBand = {
    {"drums", {"5c0f", "0a1b"}}, {"vocals", {"77aa"}}, {"guitar", {"9e9e"}}, {"drums", {"f00d"}}};

TrackList find(const Miniature& data, StemLevel level = StemLevel::per_stem) {
  DatasetConfig dataset = data.config(Layout::moisesdb);
  dataset.stems = level;
  return find_moisesdb_tracks(dataset);
}

std::string reason_of(const Miniature& data) {
  const TrackList list = find(data);
  EXPECT_THAT(list.tracks, IsEmpty());
  return list.bad.size() == 1 ? list.bad[0].reason : std::to_string(list.bad.size()) + " bad";
}

TEST(MoisesDb, AStemIsTheSumOfAllItsSources) {
  Miniature data;
  data.moisesdb_track("train/36f1", kBand);
  const TrackList list = find(data);
  EXPECT_THAT(lines_of(list), ElementsAre("train 36f1: drums guitar vocals"));
  const fs::path drums = data / "train/36f1/drums";
  EXPECT_THAT(list.tracks.at(0).stems.at(0).files,
              ElementsAre(drums / "0a1b.wav", drums / "5c0f.wav", drums / "f00d.wav"));
}

TEST(MoisesDb, EachSourceMayBeAStem) {
  Miniature data;
  data.moisesdb_track("train/36f1", kBand);
  EXPECT_THAT(lines_of(find(data, StemLevel::per_source)),
              ElementsAre("train 36f1: drums/0a1b drums/5c0f drums/f00d guitar/9e9e vocals/77aa"));
}

TEST(MoisesDb, TheDiskIsBelievedWhereItHoldsMoreThanTheMetadata) {
  Miniature data;
  data.moisesdb_track("train/36f1", kBand);
  data.sound("train/36f1/wind/beef.wav");
  data.text("train/36f1/wind/._beef.wav", "");
  EXPECT_THAT(lines_of(find(data)), ElementsAre("train 36f1: drums guitar vocals wind"));
}

TEST(MoisesDb, AMissingSourceMakesTheTrackBad) {
  Miniature data;
  data.moisesdb_track("train/36f1", kBand);
  fs::remove(data / "train/36f1/drums/f00d.wav");
  EXPECT_THAT(reason_of(data), AllOf(HasSubstr("36f1/drums/f00d"), HasSubstr("data.json")));
}

TEST(MoisesDb, BrokenMetadataMakesTheTrackBadWithItsReason) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"{\"stems\": [", "parse error"},
      {"", "parse error"},
      {"[]", "not the description of a track"},
      {"{\"song\": \"x\"}", "stems"},
      {"{\"stems\": [{\"stemName\": 7, \"tracks\": [{\"id\": \"a\"}]}]}", "must be string"},
      {"{\"stems\": [{\"stemName\": \"drums\", \"tracks\": [{}]}]}", "id"},
      {"{\"stems\": [], \"stems\": []}", "appears twice"},
      {"{\"song\": \"\xff\", \"stems\": []}", "UTF-8"}};
  for (const auto& [content, expected] : cases) {
    Miniature data;
    data.moisesdb_track("train/36f1", kBand);
    data.text("train/36f1/data.json", content);
    EXPECT_THAT(reason_of(data), AllOf(HasSubstr("36f1/data.json"), HasSubstr(expected)));
  }
}

TEST(MoisesDb, MetadataThatAreMissingOrNoFileInTheDataSetMakeTheTrackBad) {
  Miniature data;
  data.text("outside.json", "{\"stems\": []}");
  for (const char* track : {"none", "link", "pipe"}) {
    data.moisesdb_track(std::string("moisesdb_v0.1/train/") + track, kBand);
    fs::remove(data / "moisesdb_v0.1/train" / track / "data.json");
  }
  data.moisesdb_track("moisesdb_v0.1/train/good", kBand);
  fs::create_symlink(data / "outside.json", data / "moisesdb_v0.1/train/link/data.json");
  ASSERT_EQ(mkfifo((data / "moisesdb_v0.1/train/pipe/data.json").c_str(), 0600), 0);
  const TrackList list = find_moisesdb_tracks(data.config(Layout::moisesdb, "moisesdb_v0.1"));
  EXPECT_THAT(lines_of(list), ElementsAre("train good: drums guitar vocals"));
  ASSERT_EQ(list.bad.size(), 3u);
  for (const BadTrack& bad : list.bad) {
    EXPECT_THAT(bad.reason, AllOf(HasSubstr(bad.name + "/data.json"), HasSubstr("missing")));
  }
}

TEST(MoisesDb, NamesInTheMetadataAreNeverPaths) {
  Miniature data;
  data.sound("outside/secret.wav");
  data.moisesdb_track("m/train/36f1", kBand);
  data.text("m/train/36f1/data.json",
            R"({"stems": [{"stemName": "../../../outside", "tracks": [{"id": "secret"}]}]})");
  const TrackList list = find_moisesdb_tracks(data.config(Layout::moisesdb, "m"));
  EXPECT_THAT(list.tracks, IsEmpty());
}

TEST(MoisesDb, OneSourceInTwoFormatsIsNotCountedTwice) {
  Miniature data;
  data.moisesdb_track("train/36f1", kBand);
  data.sound("train/36f1/drums/f00d.flac");
  EXPECT_THAT(reason_of(data), AllOf(HasSubstr("f00d.flac"), HasSubstr("f00d.wav")));
}

TEST(MoisesDb, OneStemOfSeveralSourcesIsTooFewPerStem) {
  Miniature data;
  data.moisesdb_track("train/36f1", {{"drums", {"a", "b"}}});
  EXPECT_THAT(reason_of(data), HasSubstr("at least two stems"));
  EXPECT_THAT(lines_of(find(data, StemLevel::per_source)),
              ElementsAre("train 36f1: drums/a drums/b"));
}

TEST(MoisesDb, LooseAndUnreadFilesAreNamed) {
  Miniature data;
  data.moisesdb_track("train/36f1", kBand);
  data.sound("train/36f1/bounce.wav");
  data.text("train/36f1/drums/room.m4a", "");
  ::testing::internal::CaptureStderr();
  find(data);
  EXPECT_THAT(
      ::testing::internal::GetCapturedStderr(),
      AllOf(HasSubstr("36f1: bounce.wav: not read"), HasSubstr("36f1/drums: room.m4a: not read")));
}

TEST(MoisesDb, WithoutDirectoriesOfSplitsThePublishedRecipeDecides) {
  Miniature data;
  std::vector<std::string> names;
  for (int i = 0; i < 240; ++i) {
    names.push_back(fmt::format("{:08x}-a{:03}", 0x9e3779b9u * static_cast<uint32_t>(i), i));
    data.text(names.back() + "/data.json", R"({"stems": []})");
    data.text(names.back() + "/bass/1.wav", "");
    data.text(names.back() + "/drums/2.wav", "");
  }
  std::ranges::sort(names);
  // A bad track keeps its place: repairing it moves no other.
  data.text(names[163] + "/data.json", "{");
  const TrackList list = find(data);
  EXPECT_EQ(testing::sizes_of_splits(list),
            (std::map<std::string, int>{{"train", 192}, {"valid", 24}, {"test", 23}}));
  ASSERT_EQ(list.bad.size(), 1u);
  EXPECT_EQ(list.bad[0].split, "test");
  const auto split_of = [&](size_t i) {
    return std::ranges::find(list.tracks, names[i], &TrackFiles::name)->split;
  };
  for (const size_t i : {45, 113, 9, 85}) EXPECT_EQ(split_of(i), "train");
  for (const size_t i : {237, 154, 129, 28}) EXPECT_EQ(split_of(i), "test");
}

TEST(MoisesDb, LengthsThatDifferArePaddedAndTheDirectoryAboveIsAccepted) {
  Miniature data;
  data.moisesdb_track("moisesdb_v0.1/0a", kBand);
  data.moisesdb_track("moisesdb_v0.1/0b", kBand);
  const TrackList list = find_tracks({data.config(Layout::moisesdb)});
  ASSERT_EQ(list.tracks.size(), 2u);
  EXPECT_EQ(list.tracks[0].name, "moisesdb/0a");
  EXPECT_EQ(list.tracks[0].unequal_lengths, UnequalLengths::pad);
}

}  // namespace
}  // namespace cocola
