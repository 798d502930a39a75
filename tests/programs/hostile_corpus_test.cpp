// A data set from a stranger: each bad track is left out with its reason, each good one is used.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>
#include <map>
#include <set>

#include "base/json.h"
#include "programs/program.h"
#include "support/sound_file.h"

namespace cocola {
namespace {

using ::testing::HasSubstr;
using testing::ProgramResult;
using testing::tone;
using testing::Workplace;
using testing::write_sound;
namespace fs = std::filesystem;

constexpr int kRate = 16000;
constexpr int64_t kLength = 4 * kRate;

std::string little_endian(uint64_t value, int num_bytes) {
  std::string bytes;
  for (int i = 0; i < num_bytes; ++i) bytes += static_cast<char>(value >> (8 * i));
  return bytes;
}

std::string chunk(const std::string& id, const std::string& content) {
  return id + little_endian(content.size(), 4) + content + std::string(content.size() % 2, '\0');
}

// Content of a chunk "fmt " for 16-bit samples.
std::string pcm_format(int rate = kRate, int channels = 1) {
  return little_endian(1, 2) + little_endian(static_cast<uint64_t>(channels), 2) +
         little_endian(static_cast<uint64_t>(rate), 4) +
         little_endian(static_cast<uint64_t>(rate * channels * 2), 4) +
         little_endian(static_cast<uint64_t>(channels * 2), 2) + little_endian(16, 2);
}

std::string pcm_samples(int64_t count = kLength) {
  std::string bytes;
  for (int64_t i = 0; i < count; ++i) {
    const double value = 8000.0 * std::sin(0.05 * static_cast<double>(i));
    bytes += little_endian(static_cast<uint64_t>(std::llround(value)), 2);
  }
  return bytes;
}

std::string riff(const std::string& chunks) {
  return "RIFF" + little_endian(4 + chunks.size(), 4) + "WAVE" + chunks;
}

class HostileCorpus : public ::testing::Test {
 protected:
  HostileCorpus() {
    fs::remove(place_ / "data");
    fs::remove(place_ / "shards");
  }

  // A track with one sound stem, and the path of the other.
  fs::path other_stem_of(const std::string& track, const std::string& name = "b.wav") {
    const fs::path directory = place_ / "data/tiny" / track;
    fs::create_directories(directory);
    write_sound(directory / "a.wav", tone(kLength, 0.02, 0.5), kRate);
    return directory / name;
  }
  void bytes(const std::string& track, const std::string& content) {
    std::ofstream(other_stem_of(track), std::ios::binary) << content;
  }
  void sound(const std::string& track, int format, const std::vector<float>& samples,
             int channels = 1, int rate = kRate) {
    write_sound(other_stem_of(track), samples, rate, channels, format);
  }

  ProgramResult preprocess() const {
    return place_.run("cocola_preprocess",
                      {"--config", testing::kTiny, "--set", "data.on_bad_track=skip", "--set",
                       "data.datasets=[{root: data/tiny, into: train}]"});
  }

  Workplace place_;
};

TEST_F(HostileCorpus, EachBadTrackIsLeftOutWithItsReason) {
  const std::string whole = riff(chunk("fmt ", pcm_format()) + chunk("data", pcm_samples()));
  const auto constant = [](float value) {
    return std::vector<float>(static_cast<size_t>(kLength), value);
  };
  bytes("zero bytes", "");
  bytes("header only", riff(chunk("fmt ", pcm_format())));
  bytes("two to the 31 frames", riff(chunk("fmt ", pcm_format()) + "data" +
                                     little_endian(0xFFFFFFF0, 4) + pcm_samples(100)));
  bytes("truncated", whole.substr(0, whole.size() / 2));
  bytes("1 Hz", riff(chunk("fmt ", pcm_format(1)) + chunk("data", pcm_samples())));
  bytes("768 kHz", riff(chunk("fmt ", pcm_format(768'000)) + chunk("data", pcm_samples())));
  bytes("65 channels", riff(chunk("fmt ", pcm_format(kRate, 65)) + chunk("data", pcm_samples())));
  bytes("data before fmt", riff(chunk("data", pcm_samples()) + chunk("fmt ", pcm_format())));
  bytes("text", "This is a letter, not music.");
  bytes("endless chunks", riff(std::string(100'000, '\0')));
  sound("not a number", SF_FORMAT_WAV | SF_FORMAT_FLOAT, constant(std::nanf("")));
  sound("infinite", SF_FORMAT_WAV | SF_FORMAT_FLOAT,
        constant(std::numeric_limits<float>::infinity()));
  fs::create_directories(other_stem_of("directory"));
  fs::create_symlink("b.wav", other_stem_of("link to itself"));
  fs::create_symlink("/etc/passwd", other_stem_of("link out of the root"));
  ASSERT_EQ(mkfifo(other_stem_of("pipe").c_str(), 0600), 0);
  std::set<std::string> bad;
  for (const auto& track : fs::directory_iterator(place_ / "data/tiny")) {
    bad.insert(track.path().filename().string());
  }

  sound("8 bit", SF_FORMAT_WAV | SF_FORMAT_PCM_U8, tone(kLength, 0.03, 0.5));
  sound("24 bit", SF_FORMAT_WAV | SF_FORMAT_PCM_24, tone(kLength, 0.03, 0.5));
  sound("32 bit", SF_FORMAT_WAV | SF_FORMAT_PCM_32, tone(kLength, 0.03, 0.5));
  sound("double", SF_FORMAT_WAV | SF_FORMAT_DOUBLE, tone(kLength, 0.03, 0.5));
  sound("64 channels", SF_FORMAT_WAV | SF_FORMAT_PCM_16, tone(64 * kLength, 0.0003, 0.5), 64);
  sound("denormal", SF_FORMAT_WAV | SF_FORMAT_FLOAT, constant(1e-41f));
  sound("constant", SF_FORMAT_WAV | SF_FORMAT_PCM_16, constant(0.5f));
  sound("clipped", SF_FORMAT_WAV | SF_FORMAT_PCM_16, tone(kLength, 0.03, 30.0));
  sound("flac named wav", SF_FORMAT_FLAC | SF_FORMAT_PCM_16, tone(kLength, 0.03, 0.5));
  bytes("odd chunks", riff(chunk("JUNK", "abc") + chunk("fmt ", pcm_format()) +
                           chunk("LIST", std::string(27, 'x')) + chunk("data", pcm_samples()) +
                           chunk("bext", "tail")));
  bytes("two tracks, \"one\" \xc3\xa4\xe2\x82\xac.x", whole);

  const ProgramResult result = preprocess();
  ASSERT_EQ(result.status, 0) << result.errors;
  const Json manifest = Json::parse(read_file(place_ / "shards/tiny/manifest.json", 1 << 20));
  std::set<std::string> skipped;
  for (const auto& track : manifest["skipped_tracks"]) {
    const auto name = track["track"].get<std::string>();
    skipped.insert(name);
    EXPECT_THAT(track["reason"].get<std::string>(), HasSubstr(name));
    EXPECT_THAT(result.errors, HasSubstr(name));
  }
  EXPECT_EQ(skipped, bad);
  int64_t num_tracks = 0;
  for (const auto& shard : manifest["shards"]) num_tracks += shard["num_tracks"].get<int64_t>();
  EXPECT_EQ(num_tracks, 11);

  // Nothing took memory for a header's claim: the program itself is by far the largest part.
  rusage usage{};
  getrusage(RUSAGE_CHILDREN, &usage);
  EXPECT_LT(usage.ru_maxrss / 1024, 1536);
}

TEST_F(HostileCorpus, AStemThatMayNotBeReadIsNamed) {
  const fs::path stem = other_stem_of("secret");
  write_sound(stem, tone(kLength, 0.03, 0.5), kRate);
  fs::permissions(stem, fs::perms::none);
  fs::permissions(place_ / "", fs::perms::all);
  // The superuser may read everything: become nobody, if there is a program for that.
  std::vector<std::string> as_nobody;
  if (geteuid() == 0) as_nobody = {"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"};
  const auto run_there = [&](const std::vector<std::string>& program) {
    std::vector<std::string> command = as_nobody;
    command.insert(command.end(), {"env", "-C", (place_ / "").string()});
    command.insert(command.end(), program.begin(), program.end());
    return testing::run_process(command);
  };
  const std::string program = std::string(COCOLA_BIN) + "/cocola_preprocess";
  if (run_there({program, "--version"}).status != 0) {
    GTEST_SKIP() << "nobody may not run the program where it was built";
  }
  const ProgramResult result = run_there({program, "--config", testing::kTiny});
  EXPECT_EQ(result.status, 1) << result.errors;
  EXPECT_THAT(result.errors, HasSubstr("secret/b.wav"));
  EXPECT_THAT(result.errors, HasSubstr("Permission denied"));
}

}  // namespace
}  // namespace cocola
