#include "training/run_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <sstream>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/json.h"
#include "support/python.h"
#include "support/temporary_directory.h"

namespace cocola {
namespace {

std::vector<Json> rows_of(const std::filesystem::path& directory) {
  std::istringstream lines(read_file(directory / "log.jsonl", 1 << 20));
  std::vector<Json> rows;
  for (std::string line; std::getline(lines, line);) rows.push_back(Json::parse(line));
  return rows;
}

TEST(RunLog, WritesOneObjectALine) {
  const testing::TemporaryDirectory dir;
  RunLog log(dir.path(), 0);
  log.add("train", 10, {{"loss", 1.25}, {"accuracy", 0.5}});
  log.add("valid", 10, {{"loss", std::nan("")}}, "a note");
  const auto rows = rows_of(dir.path());
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0]["kind"], "train");
  EXPECT_EQ(rows[0]["step"], 10);
  EXPECT_EQ(rows[0]["loss"], 1.25);
  EXPECT_TRUE(rows[1]["loss"].is_null());
  EXPECT_EQ(rows[1]["note"], "a note");
}

TEST(RunLog, AContinuedRunShowsEveryStepOnce) {
  const testing::TemporaryDirectory dir;
  {
    RunLog log(dir.path(), 0);
    for (int64_t step = 1; step <= 6; ++step) {
      log.add("train", step, {{"loss", 0.0}});
      if (step % 2 == 0) log.add("valid", step, {{"loss", 0.0}});
    }
  }
  write_file_atomically(dir / "log.jsonl",
                        read_file(dir / "log.jsonl", 1 << 20) + "{\"kind\": \"tra");
  {
    RunLog log(dir.path(), 4);
    log.add("valid", 4, {{"loss", 1.0}});  // the checkpoint of step 4 is older than its validation
    log.add("train", 5, {{"loss", 1.0}});
  }
  std::vector<std::string> order;
  for (const Json& row : rows_of(dir.path())) {
    order.push_back(fmt::format("{} {} {}", row["kind"].get<std::string>(), row["step"].get<int>(),
                                row["loss"].get<double>()));
  }
  EXPECT_THAT(order, ::testing::ElementsAre("train 1 0", "train 2 0", "valid 2 0", "train 3 0",
                                            "train 4 0", "valid 4 1", "train 5 1"));
}

TEST(TensorBoard, UsesTheCastagnoliChecksum) { EXPECT_EQ(crc32c("123456789"), 0xe3069283u); }

TEST(TensorBoard, TheOfficialReaderFindsTheScalars) {
  if (!testing::python_has({"tensorboard"}))
    GTEST_SKIP() << "Python package tensorboard is missing";
  const testing::TemporaryDirectory dir;
  RunLog log(dir.path(), 0);
  log.add("train", 3, {{"loss", 0.5}});
  log.add("train", 300, {{"loss", 0.25}});
  const std::string output = testing::run_python(
      "import sys\n"
      "from tensorboard.backend.event_processing.event_accumulator import EventAccumulator\n"
      "e = EventAccumulator(sys.argv[1]); e.Reload()\n"
      "print([(s.step, s.value) for s in e.Scalars('train/loss')])\n",
      {dir.path().string()});
  EXPECT_THAT(output, ::testing::HasSubstr("[(3, 0.5), (300, 0.25)]"));
}

}  // namespace
}  // namespace cocola
