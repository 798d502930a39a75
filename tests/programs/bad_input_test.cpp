#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <sstream>

#include "programs/program.h"

namespace cocola {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::kMusic;
using testing::kTiny;
using testing::ProgramResult;
using testing::Workplace;
namespace fs = std::filesystem;

// What every refusal must be: the expected status, one line that names the culprit, nothing on
// standard output.
void expect_refusal(const ProgramResult& result, int status,
                    const std::vector<std::string>& names) {
  EXPECT_EQ(result.status, status) << result.errors;
  EXPECT_EQ(result.output, "");
  std::string line;
  std::istringstream lines(result.errors);
  int num_errors = 0;
  for (std::string each; std::getline(lines, each);) {
    if (each.find("error: ") == std::string::npos) continue;
    ++num_errors;
    line = each;
  }
  EXPECT_EQ(num_errors, 1) << result.errors;
  for (const std::string& name : names) EXPECT_THAT(line, HasSubstr(name));
}

void write_text(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

// A 16-bit mono wav file; `claimed` samples in the header, `written` in the data.
void write_wav(const fs::path& path, int64_t claimed, int64_t written, int rate = 44100) {
  const auto put = [](std::string& out, uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i));
  };
  std::string wav = "RIFF";
  put(wav, static_cast<uint64_t>(36 + 2 * claimed), 4);
  wav += "WAVEfmt ";
  put(wav, 16, 4);
  put(wav, 1, 2);
  put(wav, 1, 2);
  put(wav, static_cast<uint64_t>(rate), 4);
  put(wav, static_cast<uint64_t>(2 * rate), 4);
  put(wav, 2, 2);
  put(wav, 16, 2);
  wav += "data";
  put(wav, static_cast<uint64_t>(2 * claimed), 4);
  for (int64_t n = 0; n < written; ++n) {
    put(wav,
        static_cast<uint64_t>(static_cast<int64_t>(8000 * std::sin(0.05 * static_cast<double>(n)))),
        2);
  }
  write_text(path, wav);
}

// A float wav whose samples are all NaN.
std::string nan_wav() {
  std::string wav = std::string(
      "RIFF\x24\x9c\0\0WAVEfmt \x10\0\0\0\x03\0\x01\0\x80\x3e\0\0\0\xfa\0\0\x04\0\x20\0data", 40);
  wav += std::string("\x40\x9c\0\0", 4);
  for (int i = 0; i < 10000; ++i) wav += std::string("\0\0\xc0\x7f", 4);
  return wav;
}

ProgramResult train(const Workplace& place, const std::vector<std::string>& more) {
  std::vector<std::string> arguments = {"--config", kTiny};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return place.run("cocola_ddp", arguments);
}

TEST(BadInput, AMisspeltKeyNamesFileLineAndNearestKey) {
  const Workplace place;
  write_text(place / "bad.yaml", "experiment: x\ntraining:\n  pairs_per_stp: 16\n");
  expect_refusal(place.run("cocola_ddp", {"--config", "bad.yaml"}), 2,
                 {"bad.yaml:3", "pairs_per_stp", "pairs_per_step"});
}

TEST(BadInput, AValueOutOfRangeIsNamedWithItsRange) {
  const Workplace place;
  expect_refusal(train(place, {"--set", "training.learning_rate=-1"}), 2, {"learning_rate", "-1"});
  expect_refusal(train(place, {"--set", "training.pairs_per_step=x"}), 2, {"pairs_per_step", "x"});
  expect_refusal(place.run("cocola_ddp", {"--config", "absent.yaml"}), 2, {"absent.yaml"});
}

TEST(BadInput, AMissingFolderIsNamed) {
  const Workplace place;
  fs::remove(place / "data");
  fs::remove(place / "shards");
  expect_refusal(place.run("cocola_preprocess", {"--config", kTiny}), 1, {"data/tiny"});
  expect_refusal(train(place, {}), 1, {"shards/tiny"});
}

TEST(BadInput, AnUnusableAudioFileIsNamedAndLeavesNothing) {
  struct Case {
    std::string content, name;
  };
  const Workplace reference;
  write_wav(reference / "cut.wav", 44100 * 5, 44100);
  const std::vector<Case> cases = {{"", "empty.wav"},
                                   {"this is a text, no sound", "text.wav"},
                                   {read_file(reference / "cut.wav", 1 << 20), "cut.wav"},
                                   {nan_wav(), "nan.wav"}};
  for (const Case& bad : cases) {
    const Workplace place;
    fs::remove(place / "data");
    fs::remove(place / "shards");
    write_wav(place / "data/tiny/song/a.wav", 44100 * 5, 44100 * 5);
    write_text(place / ("data/tiny/song/" + bad.name), bad.content);
    expect_refusal(place.run("cocola_preprocess", {"--config", kTiny}), 1, {bad.name});
    if (fs::exists(place / "shards/tiny")) {
      EXPECT_TRUE(fs::is_empty(place / "shards/tiny")) << bad.name;
    }
  }
}

TEST(BadInput, ATrackWithOneStemAndStemsOfDifferentLengthAreNamed) {
  const Workplace place;
  fs::remove(place / "data");
  fs::remove(place / "shards");
  write_wav(place / "data/tiny/song/a.wav", 44100 * 5, 44100 * 5);
  expect_refusal(place.run("cocola_preprocess", {"--config", kTiny}), 1, {"song", "two stems"});
  write_wav(place / "data/tiny/song/b.wav", 44100 * 4, 44100 * 4);
  expect_refusal(place.run("cocola_preprocess", {"--config", kTiny}), 1, {"song", "b.wav"});
}

TEST(BadInput, AFlippedByteOrACutShardIsFoundBeforeTheFirstStep) {
  const Workplace place;
  const fs::path shard = place.own("shards") / "tiny/train-00000.h5";
  const auto size = fs::file_size(shard);
  {
    std::fstream file(shard, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(static_cast<std::streamoff>(size / 2));
    const char byte = static_cast<char>(file.get());
    file.seekp(static_cast<std::streamoff>(size / 2));
    file.put(static_cast<char>(byte ^ 1));
  }
  expect_refusal(train(place, {}), 1, {"train-00000.h5"});
  fs::resize_file(shard, size - 1);
  expect_refusal(train(place, {}), 1, {"train-00000.h5"});
  EXPECT_FALSE(fs::exists(place / "runs/tiny/log.jsonl"));
}

TEST(BadInput, FeaturesOfAnotherFrontEndAreRefusedWithBothFingerprints) {
  const Workplace place;
  expect_refusal(train(place, {"--set", "features.mel_bins=32", "--set", "training.source=features",
                               "--set", "training.augment.noise_std=0"}),
                 1, {"fingerprint"});
  expect_refusal(place.run("cocola_eval", {"--config", kTiny, "--model", testing::model_path(),
                                           "--set", "features.mel_bins=32"}),
                 1, {"model.safetensors", "features"});
}

TEST(BadInput, AModelThatIsNotSafetensorsIsRefused) {
  const Workplace place;
  write_text(place / "model.safetensors", "PK\x03\x04 a pickle in a zip");
  const auto stems = testing::two_stems();
  expect_refusal(place.run("cocola_score", {"--model", "model.safetensors", stems[0], stems[1]}), 1,
                 {"model.safetensors"});
  expect_refusal(
      place.run("cocola_score", {"--model", testing::model_path(), stems[0], "absent.wav"}), 1,
      {"absent.wav"});
  expect_refusal(place.run("cocola_score", {"--model", testing::model_path(), stems[0]}), 2,
                 {"1 files given"});
}

TEST(BadInput, AWorldThatDoesNotDivideTheStepIsRefusedWithTheAllowedOnes) {
  const Workplace place;
  const ProgramResult result = place.run_ranks(3, "cocola_ddp", {"--config", kTiny});
  EXPECT_NE(result.status, 0);
  EXPECT_THAT(result.errors, AllOf(HasSubstr("3"), HasSubstr("1, 2, 4, 8")));
  EXPECT_FALSE(fs::exists(place / "runs/tiny/log.jsonl"));
}

TEST(BadInput, KBeyondTheTestSetIsRefused) {
  const Workplace place;
  expect_refusal(place.run("cocola_eval", {"--config", kTiny, "--model", testing::model_path(),
                                           "--set", "evaluation.k=[2,100000]"}),
                 2, {"100000"});
}

// A small file system of its own stands for the full disk; where none can be mounted, a file size
// limit does.
TEST(BadInput, AFullDiskIsNamedAndLeavesNoHalfWrittenFile) {
  const Workplace place;
  fs::remove(place / "shards");
  const fs::path target = place / "shards";
  fs::create_directories(target);
  const bool mounted =
      testing::run_process({"mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", target.string()})
          .status == 0;
  const std::string program = std::string(COCOLA_BIN) + "/cocola_preprocess --config " + kTiny;
  const ProgramResult result =
      testing::run_process({"env", "-C", (place / "").string(), "bash", "-c",
                            (mounted ? "" : "ulimit -f 1000; ") + program});
  EXPECT_EQ(result.status, 1) << result.errors;
  EXPECT_THAT(result.errors, HasSubstr("shards/tiny"));
  for (const auto& entry : fs::recursive_directory_iterator(target)) {
    EXPECT_TRUE(entry.is_directory()) << entry.path();
  }
  if (mounted) {
    EXPECT_EQ(testing::run_process({"umount", target.string()}).status, 0);
  }
}

}  // namespace
}  // namespace cocola
