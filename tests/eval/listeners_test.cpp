#include "eval/listeners.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace cocola {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::string kListeningTest = COCOLA_LISTENING_TEST;

ListenerReport published(const std::string& scores) {
  return correlate_with_listeners(join_listening_test(
      read_csv(kListeningTest + "/ratings.csv"), read_csv(kListeningTest + "/" + scores), "score"));
}

ListeningTest join(const std::string& ratings, const std::string& scores,
                   const std::string& score_column = "score") {
  return join_listening_test(CsvTable(ratings, "r.csv"), CsvTable(scores, "s.csv"), score_column);
}

std::string refusal(const std::string& ratings, const std::string& scores,
                    const std::string& score_column = "score") {
  try {
    join(ratings, scores, score_column);
  } catch (const Error& e) {
    return e.what();
  }
  return "joined";
}

void expect_near(const Estimate& estimate, double value, double low, double high) {
  EXPECT_NEAR(*estimate.value, value, 5.1e-5);
  EXPECT_NEAR(estimate.interval->low, low, 0.015);
  EXPECT_NEAR(estimate.interval->high, high, 0.015);
}

TEST(Listeners, ThePublishedListeningTestIsReproduced) {
  const ListenerReport cocola = published("scores_cocola.csv");
  EXPECT_EQ(cocola.num_songs, 49);
  EXPECT_EQ(cocola.all.n, 348);
  EXPECT_NEAR(*cocola.all.pearson.value, 0.193194, 5e-7);
  expect_near(cocola.all.pearson, 0.1932, 0.06, 0.31);
  EXPECT_NEAR(*cocola.all.spearman.value, 0.1660, 5e-5);
  EXPECT_NEAR(*cocola.all.kendall.value, 0.1118, 5e-5);
  EXPECT_NEAR(*cocola.centred_by_song->pearson.value, 0.2787, 5e-5);
  EXPECT_NEAR(*cocola.centred_by_song_and_stem->pearson.value, 0.3410, 5e-5);
  ASSERT_EQ(cocola.systems.size(), 4u);
  EXPECT_EQ(cocola.systems[0].system, "ground_truth");
  EXPECT_NEAR(cocola.systems[0].mean_rating, 3.905, 5e-4);
  EXPECT_NEAR(cocola.systems[0].mean_score, 30.26, 5e-3);

  const ListenerReport clap = published("scores_clap.csv");
  EXPECT_NEAR(*clap.all.pearson.value, 0.110441, 5e-7);
  expect_near(clap.all.pearson, 0.1104, 0.00, 0.21);
  EXPECT_NEAR(*clap.all.spearman.value, 0.1175, 5e-5);
  EXPECT_NEAR(*clap.all.kendall.value, 0.0787, 5e-5);
  EXPECT_NEAR(*clap.centred_by_song->pearson.value, 0.0903, 5e-5);
}

TEST(Listeners, RatingsAreAveragedOverRatersAndUnmatchedItemsListed) {
  const ListeningTest test = join("rater,song,system,rating\n1,a,x,1\n2,a,x,4\n1,b,x,3\n3,c,x,5\n",
                                  "system,score,song\nx,0.5,b\nx,-2,a\ny,9,a\n");
  EXPECT_THAT(test.columns, ElementsAre("song", "system"));
  ASSERT_EQ(test.items.size(), 2u);
  EXPECT_THAT(test.items[1].names, ElementsAre("a", "x"));
  EXPECT_EQ(test.items[1].rating, 2.5);
  EXPECT_EQ(test.items[1].score, -2.0);
  EXPECT_EQ(test.num_ratings, 3);
  EXPECT_EQ(test.num_raters, 2);
  EXPECT_THAT(test.unrated, ElementsAre("a / y"));
  EXPECT_THAT(test.unscored, ElementsAre("c / x"));
}

TEST(Listeners, ItemsAloneAreEnoughAndAnotherScoreCanBeChosen) {
  const ListeningTest test = join("item,rating\nq,1\nr,2\nq,2\ns,9\n",
                                  "item,both,harmonic\nq,1,3\nr,2,2\ns,3,1\n", "harmonic");
  EXPECT_FALSE(test.num_raters.has_value());
  EXPECT_EQ(test.items[0].rating, 1.5);
  const ListenerReport report = correlate_with_listeners(test);
  EXPECT_EQ(report.num_songs, 0);
  EXPECT_EQ(report.all.spearman.value, -1.0);
  EXPECT_FALSE(report.centred_by_song.has_value());
  EXPECT_FALSE(report.system_means.has_value());
}

TEST(Listeners, DifferencesBetweenSongsVanishWhenCentred) {
  // Inside each song the score follows the rating; the songs' own levels hide it.
  const ListenerReport report = correlate_with_listeners(
      join("song,system,rating\na,x,1\na,y,2\na,z,3\nb,x,3\nb,y,4\nb,z,5\nlone,x,5\n",
           "song,system,score\na,x,91\na,y,92\na,z,93\nb,x,1\nb,y,2\nb,z,3\nlone,x,0\n"));
  EXPECT_LT(*report.all.pearson.value, -0.7);
  EXPECT_NEAR(*report.centred_by_song->pearson.value, 1.0, 1e-12);
  EXPECT_EQ(report.centred_by_song->n, 6);
  EXPECT_FALSE(report.centred_by_song_and_stem.has_value());
  EXPECT_NEAR(report.systems[0].mean_rating, 3.0, 1e-12);
  EXPECT_EQ(report.system_means->n, 3);
}

TEST(Listeners, ConstantRatingsAndFewItemsAreUndefined) {
  const ListenerReport constant = correlate_with_listeners(
      join("song,rating\na,0.1\na,0.1\na,0.1\nb,0.1\nc,0.1\n", "song,score\na,1\nb,2\nc,4\n"));
  EXPECT_FALSE(constant.all.pearson.value.has_value());
  EXPECT_FALSE(constant.all.kendall.interval.has_value());
  const ListenerReport two =
      correlate_with_listeners(join("song,rating\na,1\nb,2\n", "song,score\na,1\nb,2\n"));
  EXPECT_EQ(two.all.n, 2);
  EXPECT_FALSE(two.all.spearman.value.has_value());
  // Equal ratings inside every song leave nothing to correlate, not rounding.
  const ListenerReport equal = correlate_with_listeners(
      join("song,system,rating\na,x,0.1\na,y,0.1\na,z,0.1\nb,x,0.7\nb,y,0.7\nb,z,0.7\n",
           "song,system,score\na,x,1\na,y,3\na,z,2\nb,x,1\nb,y,2\nb,z,9\n"));
  EXPECT_TRUE(equal.all.pearson.value.has_value());
  EXPECT_FALSE(equal.centred_by_song->pearson.value.has_value());
}

TEST(Listeners, WhatCannotBeJoinedIsRefusedWithFileAndLine) {
  const std::string ratings = "rater,song,rating\n1,a,2\n", scores = "song,score\na,1\n";
  EXPECT_EQ(refusal(ratings, scores), "joined");
  EXPECT_THAT(refusal(ratings, "song,points\na,1\n"),
              HasSubstr("s.csv: has no column 'score'; its columns: song, points"));
  EXPECT_THAT(refusal("song,stars\na,1\n", scores), HasSubstr("r.csv: has no column 'rating'"));
  EXPECT_THAT(refusal(ratings, scores, "both"), HasSubstr("no column 'both'"));
  EXPECT_THAT(refusal(ratings, "song,stem,score\na,bass,1\n"),
              HasSubstr("r.csv: has no column 'stem'"));
  EXPECT_THAT(refusal("rating\n1\n", "score\n1\n"), HasSubstr("nothing names an item"));
  EXPECT_THAT(refusal(ratings, scores + "a,1\n"),
              AllOf(HasSubstr("s.csv, lines 2 and 3"), HasSubstr("'a' is scored twice")));
  EXPECT_THAT(refusal(ratings + "1,a,3\n", scores),
              AllOf(HasSubstr("r.csv, lines 2 and 3"), HasSubstr("rater 1 rates 'a' twice")));
  EXPECT_THAT(refusal(ratings + "2,a,\n", scores), HasSubstr("r.csv, line 3"));
  EXPECT_THAT(refusal(ratings, "song,score\na,nan\n"), HasSubstr("s.csv, line 2"));
  EXPECT_THAT(refusal(ratings, "song,score\nA,1\n"),
              AllOf(HasSubstr("share no item"), HasSubstr("'a'"), HasSubstr("'A'")));
}

}  // namespace
}  // namespace cocola
