// cocola_eval accuracy, with all it can be asked for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "programs/program.h"

namespace cocola {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::ProgramResult;
using testing::Workplace;

ProgramResult measure(const Workplace& place, std::vector<std::string> more) {
  more.insert(more.begin(),
              {"accuracy", "--config", testing::kTiny, "--model", testing::model_path()});
  return place.run("cocola_eval", more);
}

TEST(AccuracyProgram, TheDocumentHoldsGroupsBaselinesBatchesAndTheWholeCurve) {
  const Workplace place;
  const ProgramResult result = measure(place, {"--json", "--tables"});
  ASSERT_EQ(result.status, 0) << result.errors;
  const Json json = Json::parse(result.output);
  for (const char* baseline : {"loudness", "onsets"}) {
    EXPECT_LE(json[baseline]["2"]["low"].get<double>(), json[baseline]["2"]["accuracy"]);
  }
  EXPECT_NEAR(json["random_batches"]["2"]["mean"].get<double>(),
              json["k"]["2"]["accuracy"].get<double>(), 0.1);
  ASSERT_EQ(json["datasets"].size(), 1u);
  EXPECT_EQ(json["datasets"].front()["windows"], json["windows"]);
  EXPECT_EQ(json["datasets"].front()["songs"], json["songs"]);
  for (const Json& pair : json["instruments"]) {
    EXPECT_FALSE(pair["anchor"].get<std::string>().empty());
    EXPECT_GT(pair["windows"].get<int>(), 0);
  }
  const Json& curve = json["curve"];
  ASSERT_EQ(curve.size(), json["windows"].get<size_t>() - 1);
  EXPECT_EQ(curve[0][0], 2);
  EXPECT_NEAR(curve[0][1].get<double>(), json["k"]["2"]["accuracy"].get<double>(), 1e-12);
  EXPECT_EQ(curve.back()[0], json["windows"]);
  ASSERT_EQ(json["tables"].size(), 8u);
  EXPECT_EQ(json["tables"][0]["published"]["musdb18hq"], 0.5256);
  EXPECT_EQ(json["tables"][0]["ours"], nullptr);
}

TEST(AccuracyProgram, TextAndPictureShowWhatIsAskedFor) {
  const Workplace place;
  const ProgramResult by = measure(place, {"--by", "dataset", "--tables", "--svg", "a.svg"});
  ASSERT_EQ(by.status, 0) << by.errors;
  EXPECT_THAT(by.output, AllOf(HasSubstr("untrained"), HasSubstr("onsets"),
                               HasSubstr("By data set, each among its own windows"),
                               HasSubstr("Table II"), HasSubstr("This model is in no row")));
  EXPECT_THAT(read_file(place / "a.svg", 1 << 20), HasSubstr("Accuracy at K: tiny"));
  const ProgramResult pairs = measure(place, {"--by", "instruments"});
  EXPECT_THAT(pairs.output, HasSubstr("By instruments at K = 2"));
}

TEST(AccuracyProgram, WrongWordsAndPlacesAreRefusedBeforeTheWork) {
  const Workplace place;
  const ProgramResult word = measure(place, {"--by", "composer"});
  EXPECT_EQ(word.status, 2);
  EXPECT_THAT(word.errors, AllOf(HasSubstr("'composer'"), HasSubstr("dataset and instruments")));
  const ProgramResult file = measure(place, {"--svg", "absent/a.svg"});
  EXPECT_EQ(file.status, 1);
  EXPECT_EQ(file.output, "");
  EXPECT_THAT(file.errors, HasSubstr("absent/a.svg"));
}

}  // namespace
}  // namespace cocola
