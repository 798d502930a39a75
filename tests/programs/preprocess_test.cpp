// Laws of cocola_preprocess: complete or absent, the same bytes however it was run, never mixed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <chrono>
#include <fstream>
#include <map>

#include "base/digest.h"
#include "base/json.h"
#include "programs/program.h"
#include "support/sound_file.h"

namespace cocola {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::kTiny;
using testing::ProgramResult;
using testing::Workplace;
namespace fs = std::filesystem;
using Strings = std::vector<std::string>;

// Several small shards, with stems and features, so that there is something to interrupt.
const Strings kShards = {
    "--config", kTiny, "--set", "data.tracks_per_shard=2", "--set", "data.store=[stems, features]"};

Strings with(Strings arguments, const Strings& more) {
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

class Preprocessing : public ::testing::Test {
 protected:
  Preprocessing() {
    place_.own("data");
    fs::remove(place_ / "shards");
  }

  ProgramResult run(const Strings& more = {}) const {
    return place_.run("cocola_preprocess", with(kShards, more));
  }
  void make() const {
    const ProgramResult result = run();
    ASSERT_EQ(result.status, 0) << result.errors;
  }
  // Digests of what is in the directory of the shards, receipts aside, hidden files included.
  std::map<std::string, std::string> files() const {
    std::map<std::string, std::string> all;
    for (const auto& entry : fs::directory_iterator(place_ / "shards/tiny")) {
      if (entry.is_directory()) continue;
      all[entry.path().filename().string()] = digest_of_file(entry.path());
    }
    return all;
  }
  Json manifest() const {
    return Json::parse(read_file(place_ / "shards/tiny/manifest.json", 1 << 20));
  }
  // Any one track.
  fs::path track() const { return fs::directory_iterator(place_ / "data/tiny")->path(); }
  static fs::path stem_of(const fs::path& track) { return fs::directory_iterator(track)->path(); }

  Workplace place_;
};

// At eight moments spread over the time of an undisturbed run.
TEST_F(Preprocessing, KilledAtAnyMomentAndRunAgainGivesTheSameBytes) {
  const auto start = std::chrono::steady_clock::now();
  make();
  const std::chrono::duration<double> undisturbed = std::chrono::steady_clock::now() - start;
  const auto expected = files();
  int num_killed = 0;
  for (int moment = 1; moment <= 8; ++moment) {
    fs::remove_all(place_ / "shards");
    const Strings command = {"env",
                             "-C",
                             (place_ / "").string(),
                             "timeout",
                             "-s",
                             "KILL",
                             std::to_string(undisturbed.count() * moment / 9),
                             std::string(COCOLA_BIN) + "/cocola_preprocess"};
    num_killed += testing::run_process(with(command, kShards)).status == 0 ? 0 : 1;
    make();
    EXPECT_EQ(files(), expected) << "killed at moment " << moment;
  }
  EXPECT_GT(num_killed, 0);
}

TEST_F(Preprocessing, StopsWith75AndIsContinued) {
  make();
  const auto expected = files();
  fs::remove_all(place_ / "shards");
  const std::string command = std::string(COCOLA_BIN) + "/cocola_preprocess --config " + kTiny +
                              " --set data.tracks_per_shard=2 '--set=data.store=[stems, features]'"
                              " & child=$!; while [ ! -e shards/tiny/train-00000.h5 ]; do kill -0 "
                              "$child || exit 1; sleep 0.01; done; kill -TERM $child; wait $child";
  const ProgramResult stopped =
      testing::run_process({"env", "-C", (place_ / "").string(), "bash", "-c", command});
  EXPECT_EQ(stopped.status, 75) << stopped.errors;
  EXPECT_FALSE(fs::exists(place_ / "shards/tiny/manifest.json"));
  make();
  EXPECT_EQ(files(), expected);
}

TEST_F(Preprocessing, PartsAndRanksMakeTheSameSet) {
  make();
  const auto expected = files();
  fs::remove_all(place_ / "shards");
  for (const char* part : {"2/3", "0/3", "1/3"}) {
    EXPECT_FALSE(fs::exists(place_ / "shards/tiny/manifest.json"));
    const ProgramResult result = run({"--part", part});
    ASSERT_EQ(result.status, 0) << result.errors;
  }
  EXPECT_EQ(files(), expected);
  fs::remove_all(place_ / "shards");
  const ProgramResult ranks = place_.run_ranks(2, "cocola_preprocess", kShards);
  EXPECT_EQ(ranks.status, 0) << ranks.errors;
  EXPECT_EQ(files(), expected);
}

TEST_F(Preprocessing, APartThatIsNoneIsRefused) {
  for (const char* part : {"3/3", "-1/3", "1", "1/", "/3", "1/x", "1/3/5", "0/0"}) {
    const ProgramResult result = run({std::string("--part=") + part});
    EXPECT_EQ(result.status, 2) << part;
    EXPECT_THAT(result.errors, HasSubstr("--part")) << part;
  }
  EXPECT_EQ(run({"--part=0/2", "--rebuild"}).status, 2);
}

TEST_F(Preprocessing, OtherSettingsAreRefusedByNameOrBuiltAgain) {
  make();
  const auto before = files();
  const Strings other = {"--set", "data.audible_dbfs=-50"};
  const ProgramResult refused = run(other);
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.errors,
              AllOf(HasSubstr("audible_dbfs -60.0"), HasSubstr("-50.0"), HasSubstr("--rebuild")));
  EXPECT_EQ(files(), before);

  EXPECT_EQ(run(with(other, {"--rebuild"})).status, 0);
  const auto rebuilt = files();
  fs::remove_all(place_ / "shards");
  ASSERT_EQ(run(other).status, 0);
  EXPECT_EQ(files(), rebuilt);
}

TEST_F(Preprocessing, WindowsOfAnotherGridAreNeverMixed) {
  make();
  const auto before = files();
  const Strings other = {"--set", "data.window_grid=original", "--set", "data.max_overlap=0.82"};
  for (const Strings& refused : {other, Strings{"--set", "data.window_grid=original"}}) {
    const ProgramResult result = run(refused);
    EXPECT_EQ(result.status, 1);
    EXPECT_THAT(result.errors, HasSubstr("--rebuild"));
    EXPECT_EQ(files(), before);
  }
  EXPECT_THAT(run({"--set", "data.window_grid=original"}).errors,
              HasSubstr("made without window_grid, the configuration says \"original\""));
  const ProgramResult training =
      place_.run("cocola_ddp", {"--config", kTiny, "--set", "data.window_grid=original"});
  EXPECT_EQ(training.status, 1);
  EXPECT_THAT(training.errors,
              AllOf(HasSubstr("data.window_grid was hop"), HasSubstr("rebuild the shards")));

  EXPECT_EQ(run(with(other, {"--rebuild"})).status, 0);
  EXPECT_EQ(manifest()["settings"]["window_grid"], "original");
  EXPECT_EQ(run().status, 1);
}

TEST_F(Preprocessing, AGridThatOverlapsMoreThanAllowedIsWrongUseEvenWhereBadTracksAreSkipped) {
  for (const char* stem : {"a.wav", "b.wav"}) {
    fs::create_directories(place_ / "data/cd/song");
    testing::write_sound(place_ / "data/cd/song" / stem, testing::tone(3 * 44100, 0.1, 0.5), 44100);
  }
  const ProgramResult result =
      run({"--set", "data.datasets=[{root: data/cd}]", "--set", "data.window_grid=original",
           "--set", "data.on_bad_track=skip"});
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.errors,
              AllOf(HasSubstr("data.max_overlap"), HasSubstr("44100 Hz"), HasSubstr("set 0.819")));
}

TEST_F(Preprocessing, ChangedAudioOfTheSameSizeIsNoticedButATouchedFileIsNot) {
  make();
  const auto before = files();
  const fs::path stem = stem_of(track());
  fs::last_write_time(stem, fs::file_time_type::clock::now() - std::chrono::hours(5));
  const ProgramResult touched = run();
  EXPECT_EQ(touched.status, 0) << touched.errors;
  EXPECT_EQ(files(), before);

  std::string bytes = read_file(stem, 1 << 30);
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  std::ofstream(stem, std::ios::binary) << bytes;
  const ProgramResult changed = run();
  EXPECT_EQ(changed.status, 1);
  EXPECT_THAT(changed.errors, AllOf(HasSubstr(stem.filename().string()), HasSubstr("has changed")));
}

TEST_F(Preprocessing, TracksThatCameOrWentAreRefusedUntilBuiltAgain) {
  make();
  fs::rename(track(), place_ / "data/moved");
  const ProgramResult refused = run();
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.errors, HasSubstr("--rebuild"));
  EXPECT_EQ(run({"--rebuild"}).status, 0);
  int64_t num_tracks = 0;
  const auto files_now = files();
  const Json made = manifest();
  for (const auto& shard : made["shards"]) {
    num_tracks += shard["num_tracks"].get<int64_t>();
    EXPECT_TRUE(files_now.contains(shard["file"].get<std::string>()));
  }
  EXPECT_EQ(num_tracks, 9);
  EXPECT_EQ(files_now.size(), made["shards"].size() + 1);
}

TEST_F(Preprocessing, AShardThatWasCutOrRemovedIsMadeAgain) {
  make();
  const auto expected = files();
  const fs::path shard = place_ / "shards/tiny/train-00000.h5";
  fs::resize_file(shard, fs::file_size(shard) / 2);
  ASSERT_EQ(run().status, 0);
  EXPECT_EQ(files(), expected);
  fs::remove(shard);
  fs::remove(place_ / "shards/tiny/manifest.json");
  ASSERT_EQ(run().status, 0);
  EXPECT_EQ(files(), expected);
}

TEST_F(Preprocessing, AShardOfUnknownMakingIsNotOverwritten) {
  fs::create_directories(place_ / "shards/tiny");
  std::ofstream(place_ / "shards/tiny/train-00000.h5") << "something of value";
  const ProgramResult result = run();
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.errors, HasSubstr("train-00000.h5"));
  EXPECT_EQ(read_file(place_ / "shards/tiny/train-00000.h5", 1 << 20), "something of value");
}

TEST_F(Preprocessing, BadTracksFailOrAreListedWithTheirReasons) {
  const fs::path cut = stem_of(track());
  fs::resize_file(cut, fs::file_size(cut) / 2);
  fs::create_directories(place_ / "data/tiny/lonely");
  testing::write_sound(place_ / "data/tiny/lonely/only.wav", testing::tone(16000, 0.01, 0.5),
                       16000);
  const ProgramResult failed = run();
  EXPECT_EQ(failed.status, 1);
  EXPECT_THAT(failed.errors, HasSubstr("lonely"));
  EXPECT_FALSE(fs::exists(place_ / "shards/tiny/manifest.json"));

  const ProgramResult skipped = run({"--set", "data.on_bad_track=skip"});
  EXPECT_EQ(skipped.status, 0) << skipped.errors;
  std::map<std::string, std::string> reasons;
  const Json made = manifest();
  for (const auto& bad : made["skipped_tracks"]) {
    reasons[bad["track"].get<std::string>()] = bad["reason"].get<std::string>();
  }
  ASSERT_EQ(reasons.size(), 2u);
  EXPECT_THAT(reasons["lonely"], HasSubstr("two stems"));
  EXPECT_THAT(reasons[cut.parent_path().filename().string()], HasSubstr(cut.filename().string()));
  for (const auto& [name, reason] : reasons) EXPECT_THAT(skipped.errors, HasSubstr(name));

  // What was skipped is not forgotten: the strict policy still refuses the set.
  EXPECT_EQ(run().status, 1);
}

TEST_F(Preprocessing, ASetWithoutTrainingWindowsCanBeMade) {
  const ProgramResult result = run({"--set", "data.datasets=[{root: data/tiny, into: test}]"});
  EXPECT_EQ(result.status, 0) << result.errors;
  const Json made = manifest();
  EXPECT_FALSE(made["shards"].empty());
  for (const auto& shard : made["shards"]) EXPECT_EQ(shard["split"], "test");
}

TEST_F(Preprocessing, NothingToPrepareIsWrongUse) {
  const ProgramResult result = run({"--set", "data.datasets=[]"});
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.errors, HasSubstr("data.datasets"));
}

// Peak memory of all programs that this process has run so far, MB.
double peak_of_children() {
  rusage usage{};
  getrusage(RUSAGE_CHILDREN, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024.0;
}

TEST_F(Preprocessing, MemoryDoesNotGrowWithTheLengthOfATrack) {
  const auto peak_with = [&](int64_t minutes) {
    fs::remove_all(place_ / "data/tiny");
    fs::create_directories(place_ / "data/tiny/song");
    for (const char* stem : {"a", "b", "c"}) {
      testing::write_sound(place_ / "data/tiny/song" / (std::string(stem) + ".wav"),
                           testing::tone(minutes * 60 * 1000, 0.1, 0.5), 1000);
    }
    fs::remove_all(place_ / "shards");
    const ProgramResult result = place_.run(
        "cocola_preprocess", {"--config", kTiny, "--set", "data.sample_rate_hz=4000", "--set",
                              "features.max_hz=2000", "--set", "data.store=[stems]"});
    EXPECT_EQ(result.status, 0) << result.errors;
    return peak_of_children();
  };
  const double shorter = peak_with(1);
  // 90 minutes of three stems are 130 MB of samples.
  EXPECT_LT(peak_with(90), shorter + 40.0);
}

}  // namespace
}  // namespace cocola
