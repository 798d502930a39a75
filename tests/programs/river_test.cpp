#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>

#include "base/digest.h"
#include "base/json.h"
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

std::vector<Json> log_of(const fs::path& run) {
  std::ifstream file(run / "log.jsonl");
  std::vector<Json> rows;
  for (std::string line; std::getline(file, line);) rows.push_back(Json::parse(line));
  return rows;
}

std::vector<double> losses_of(const fs::path& run) {
  std::vector<double> losses;
  for (const Json& row : log_of(run)) {
    if (row["kind"] == "train") losses.push_back(row["loss"].get<double>());
  }
  return losses;
}

TEST(River, TwoRanksTrainAndLeaveWhatTheDesignPromises) {
  const fs::path run = kMusic / "runs/tiny";
  for (const char* name :
       {"config.yaml", "log.jsonl", "model.safetensors", "checkpoints/step_00000012.safetensors"}) {
    EXPECT_TRUE(fs::exists(run / name)) << name;
  }
  for (const Json& row : log_of(run)) {
    for (const char* key : {"kind", "step"}) EXPECT_TRUE(row.contains(key)) << row;
    if (row["kind"] != "train") continue;
    for (const char* key : {"loss", "accuracy", "pairs_per_second", "data_wait_seconds"}) {
      EXPECT_TRUE(row.contains(key)) << row;
    }
  }
  EXPECT_EQ(losses_of(run).size(), 12u);
}

struct World {
  int ranks, groups_in_memory;
};
constexpr World kOtherWorlds[] = {{2, 0}, {4, 0}, {8, 0}, {1, 1}, {1, 2}, {1, 4}, {2, 2}};

// Twenty steps with dropout and drop-connect.
void train_twenty_steps(const Workplace& place, const World& world,
                        const std::string& reproducible) {
  const ProgramResult result = place.run_ranks(
      world.ranks, "cocola_ddp",
      {"--config", kTiny, "--set", "training.max_steps=20", "--set", "training.threads_per_rank=1",
       "--set", "training.reproducible=" + reproducible, "--set",
       fmt::format("training.groups_in_memory={}", world.groups_in_memory)});
  EXPECT_EQ(result.status, 0) << result.errors;
}

TEST(River, TwentyStepsHaveTheSameLossesOnAnyRanksInPiecesOfAnySize) {
  const auto losses_in = [](const World& world) {
    const Workplace place;
    train_twenty_steps(place, world, "fast");
    return losses_of(place / "runs/tiny");
  };
  const std::vector<double> expected = losses_in({1, 0});
  ASSERT_EQ(expected.size(), 20u);
  for (const World& world : kOtherWorlds) {
    const std::vector<double> losses = losses_in(world);
    ASSERT_EQ(losses.size(), expected.size());
    for (size_t i = 0; i < losses.size(); ++i) {
      EXPECT_NEAR(losses[i], expected[i], 1e-5 * expected[i])
          << world.ranks << " ranks, " << world.groups_in_memory << " groups, step " << i;
    }
  }
}

TEST(River, InvariantRunsLeaveTheSameBytesOnAnyRanksInPiecesOfAnySize) {
  const auto digest_in = [](const World& world) {
    const Workplace place;
    train_twenty_steps(place, world, "invariant");
    return digest_of_file(place / "runs/tiny/checkpoints/step_00000020.safetensors");
  };
  const std::string expected = digest_in({1, 0});
  for (const World& world : kOtherWorlds) {
    EXPECT_EQ(digest_in(world), expected)
        << world.ranks << " ranks, " << world.groups_in_memory << " groups";
  }
}

TEST(River, PrecomputedFeaturesTrainToo) {
  const Workplace place;
  const ProgramResult result =
      place.run("cocola_ddp", {"--config", kTiny, "--set", "training.source=features", "--set",
                               "training.augment.noise_std=0", "--set", "training.max_steps=2"});
  EXPECT_EQ(result.status, 0) << result.errors;
}

// Starts a long training, sends a signal to what was started once the first step is logged, and
// waits for its end.
ProgramResult train_and_signal(const Workplace& place, const std::string& launcher,
                               const std::string& signal) {
  const std::string script = launcher + " " COCOLA_BIN "/cocola_ddp --config " + kTiny +
                             " --set training.max_steps=100000 & child=$!; "
                             "while [ ! -s runs/tiny/log.jsonl ] && kill -0 $child; do "
                             "sleep 0.1; done; kill -" +
                             signal + " $child; wait $child";
  return testing::run_process({"env", "-C", (place / "").string(), "bash", "-c", script});
}

int64_t newest_checkpoint(const fs::path& run) {
  int64_t newest = -1;
  for (const auto& entry : fs::directory_iterator(run / "checkpoints")) {
    const std::string name = entry.path().stem().string();
    if (name.starts_with("step_")) newest = std::max<int64_t>(newest, std::stoll(name.substr(5)));
  }
  return newest;
}

TEST(River, AStopRequestIsAnsweredWithACheckpointAndStatus75) {
  const Workplace place;
  const ProgramResult stopped = train_and_signal(place, "", "USR1");
  EXPECT_EQ(stopped.status, 75) << stopped.errors;
  EXPECT_FALSE(fs::is_empty(place / "runs/tiny/checkpoints"));
  EXPECT_FALSE(fs::exists(place / "runs/tiny/model.safetensors"));
}

TEST(River, TwoRanksStoppedThroughTheirLauncherContinueAsIfTheyNeverWere) {
  const Workplace stopped, whole;
  const ProgramResult signalled = train_and_signal(stopped, testing::mpirun_command(2), "USR1");
  ASSERT_EQ(signalled.status, 75) << signalled.errors;
  const std::string steps =
      fmt::format("training.max_steps={}", newest_checkpoint(stopped / "runs/tiny") + 2);
  for (const Workplace* place : {&stopped, &whole}) {
    const ProgramResult result =
        place->run_ranks(2, "cocola_ddp", {"--config", kTiny, "--set", steps});
    ASSERT_EQ(result.status, 0) << result.errors;
  }
  const fs::path model = "runs/tiny/model.safetensors";
  EXPECT_EQ(read_file(stopped / model.string(), 1 << 28),
            read_file(whole / model.string(), 1 << 28));
  EXPECT_EQ(losses_of(stopped / "runs/tiny"), losses_of(whole / "runs/tiny"));
}

TEST(River, AFileSystemThatHangsEndsTheJobWithAReason) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "the sanitizer wants to be loaded first";
#endif
  for (const int ranks : {1, 2}) {
    const Workplace place;
    const std::string launcher = ranks == 1 ? "env" : testing::mpirun_command(ranks) + " env";
    const std::string command =
        launcher + " LD_PRELOAD=" COCOLA_HANGING_READS " " COCOLA_BIN "/cocola_ddp --config " +
        kTiny +
        " --set training.max_steps=100000 --set training.pairs_per_step=4"
        " --set training.comm.timeout_seconds=12";
    const ProgramResult result =
        testing::run_process({"env", "-C", (place / "").string(), "bash", "-c", command});
    EXPECT_EQ(result.status, 1) << result.errors;
    EXPECT_THAT(result.errors, HasSubstr("[loader] no pair was read within 7 s")) << ranks;
  }
}

// The number of threads is worked out for each machine; the settings keep what the user wrote.
TEST(River, TheSettingsOfARunAreThoseThatWereGiven) {
  EXPECT_THAT(read_file(kMusic / "runs/tiny/config.yaml", 1 << 20), HasSubstr("num_threads: 0"));
}

TEST(River, PreprocessingAgainDoesNothing) {
  const Workplace place;
  place.own("shards");
  const auto written = fs::last_write_time(place / "shards/tiny/manifest.json");
  const ProgramResult result = place.run("cocola_preprocess", {"--config", kTiny});
  EXPECT_EQ(result.status, 0) << result.errors;
  EXPECT_THAT(result.errors, HasSubstr("0 of them built now"));
  EXPECT_EQ(fs::last_write_time(place / "shards/tiny/manifest.json"), written);
}

TEST(River, PreprocessingAnewGivesTheSameBytes) {
  const Workplace place;
  fs::remove(place / "shards");
  ASSERT_EQ(place.run("cocola_preprocess", {"--config", kTiny}).status, 0);
  for (const auto& entry : fs::directory_iterator(kMusic / "shards/tiny")) {
    if (entry.is_directory()) continue;  // receipts, which know when a file was made
    EXPECT_EQ(read_file(entry.path(), 1 << 30),
              read_file(place / "shards/tiny" / entry.path().filename().string(), 1 << 30))
        << entry.path();
  }
}

TEST(River, EvaluationPrintsOneJsonDocumentOfTheDocumentedShape) {
  const Workplace place;
  const ProgramResult result =
      place.run("cocola_eval", {"--config", kTiny, "--model", testing::model_path(), "--json"});
  ASSERT_EQ(result.status, 0) << result.errors;
  const Json json = Json::parse(result.output);
  EXPECT_EQ(json["split"], "test");
  EXPECT_GT(json["songs"].get<int>(), 0);
  EXPECT_GT(json["windows"].get<int>(), 8);
  for (const char* table : {"k", "untrained"}) {
    for (const char* k : {"2", "8"}) {
      const Json& row = json[table][k];
      EXPECT_LE(row["low"].get<double>(), row["accuracy"].get<double>());
      EXPECT_GE(row["high"].get<double>(), row["accuracy"].get<double>());
    }
  }
  EXPECT_EQ(json["data"], "own");
  EXPECT_EQ(json["trained_on"], false);
}

TEST(River, EvaluationTellsSongsOfTheTrainingFromOthers) {
  const Workplace place;
  const std::vector<std::string> model = {"--model", testing::model_path(), "--json"};
  const auto evaluate = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), model.begin(), model.end());
    return place.run("cocola_eval", arguments);
  };
  const ProgramResult own = evaluate({"--config", kTiny, "--set", "evaluation.split=train"});
  ASSERT_EQ(own.status, 0) << own.errors;
  EXPECT_EQ(Json::parse(own.output)["trained_on"], true);

  std::string all_test = read_file(kTiny, 1 << 16);
  const std::string split = "{train: 0.5, valid: 0.25, test: 0.25}";
  all_test.replace(all_test.find(split), split.size(), "{train: 0, valid: 0, test: 1}");
  std::ofstream(place / "other.yaml") << all_test;
  const std::vector<std::string> other = {"--config", "other.yaml", "--set", "data.shards=other"};
  ASSERT_EQ(place.run("cocola_preprocess", other).status, 0);
  const ProgramResult refused = evaluate(other);
  EXPECT_EQ(refused.status, 1);
  EXPECT_EQ(refused.output, "");
  EXPECT_THAT(refused.errors, AllOf(HasSubstr("tracks of split test in other: "),
                                    HasSubstr("choose a split it has not seen")));
}

TEST(River, ScoresAreFiniteAndTheModesDiffer) {
  const Workplace place;
  const auto stems = testing::two_stems();
  const ProgramResult result =
      place.run("cocola_score", {"--model", testing::model_path(), "--json", stems[0], stems[1]});
  ASSERT_EQ(result.status, 0) << result.errors;
  const Json row = Json::parse(result.output)["scores"][0];
  EXPECT_EQ(row["a"], stems[0]);
  EXPECT_EQ(row["b"], stems[1]);
  EXPECT_GT(row["windows"].get<int>(), 1);
  EXPECT_NE(row["both"].get<double>(), row["harmonic"].get<double>());
  EXPECT_NE(row["harmonic"].get<double>(), row["percussive"].get<double>());
}

TEST(River, ASilentRecordingHasNoScoreAndTheReason) {
  const Workplace place;
  std::string wav(
      "RIFF\x24\xfa\0\0WAVEfmt "
      "\x10\0\0\0\x01\0\x01\0\x80\x3e\0\0\0\x7d\0\0\x02\0\x10\0data\0\xfa\0\0",
      44);
  std::ofstream(place / "silent.wav", std::ios::binary) << wav << std::string(64000, '\0');
  const ProgramResult result = place.run(
      "cocola_score",
      {"--model", testing::model_path(), "--json", testing::two_stems()[0], "silent.wav"});
  ASSERT_EQ(result.status, 0) << result.errors;
  const Json row = Json::parse(result.output)["scores"][0];
  for (const char* mode : {"both", "harmonic", "percussive"}) EXPECT_EQ(row[mode], nullptr) << mode;
  EXPECT_EQ(row["reason"], "no window is audible in both files");
  EXPECT_EQ(row["windows"], 0);
}

TEST(River, EveryKindOfFileIsInspected) {
  const Workplace place;
  const fs::path run = kMusic / "runs/tiny";
  for (const fs::path& file :
       {kMusic / "shards/tiny", kMusic / "shards/tiny/train-00000.h5", run / "model.safetensors",
        run / "checkpoints/step_00000012.safetensors", run / "config.yaml"}) {
    const ProgramResult result = place.run("cocola_inspect", {"--json", file.string()});
    EXPECT_EQ(result.status, 0) << file << result.errors;
    EXPECT_TRUE(Json::accept(result.output)) << result.output;
  }
}

TEST(River, ADryRunTellsTheArithmeticAndTrainsNothing) {
  const Workplace place;
  const ProgramResult result = place.run(
      "cocola_ddp", {"--config", kTiny, "--dry-run", "--as-world", "4", "--set",
                     "training.learning_rate_scaling=sqrt", "--set", "training.warmup_steps=5"});
  EXPECT_EQ(result.status, 0) << result.errors;
  EXPECT_THAT(result.output, HasSubstr("16 pairs over 4 ranks: 4 pairs a rank"));
  EXPECT_THAT(result.output,
              HasSubstr("0.0007071 for 16 pairs a step, scaled from 0.001, after 5 steps"));
  EXPECT_FALSE(fs::exists(place / "runs"));
}

}  // namespace
}  // namespace cocola
