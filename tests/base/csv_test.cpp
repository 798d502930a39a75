#include "base/csv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/atomic_file.h"
#include "base/error.h"
#include "support/temporary_directory.h"

namespace cocola {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string refusal(const std::string& text) {
  try {
    CsvTable(text, "x.csv");
  } catch (const Error& e) {
    return e.what();
  }
  return "read";
}

TEST(Csv, RowsHaveTheFieldsOfTheirLineAndTheLineItself) {
  const CsvTable table("song,score\nAir,1.5\nBeat,\n", "x.csv");
  EXPECT_THAT(table.columns(), ElementsAre("song", "score"));
  ASSERT_EQ(table.num_rows(), 2u);
  EXPECT_EQ(table.text(0, 0), "Air");
  EXPECT_EQ(table.number(0, table.column("score")), 1.5);
  EXPECT_EQ(table.text(1, 1), "");
  EXPECT_EQ(table.line(1), 3);
}

TEST(Csv, LineEndsByteOrderMarksBlankLinesAndTheLastLineEndDoNotMatter) {
  for (const char* text : {"a,b\n1,2\n3,4\n", "a,b\r\n1,2\r\n3,4\r\n",
                           "\xEF\xBB\xBF"
                           "a,b\n1,2\n3,4",
                           "\na,b\n\n1,2\r\n\r\n3,4\n\n"}) {
    const CsvTable table(text, "x.csv");
    EXPECT_THAT(table.columns(), ElementsAre("a", "b"));
    ASSERT_EQ(table.num_rows(), 2u) << text;
    EXPECT_EQ(table.text(0, 1) + table.text(1, 0) + table.text(1, 1), "234");
  }
}

TEST(Csv, QuotedFieldsHoldCommasQuotesAndLineEnds) {
  const CsvTable table("a,b\n\"x, \"\"y\"\"\r\nz\",\"\"\n\"\",last\n", "x.csv");
  ASSERT_EQ(table.num_rows(), 2u);
  EXPECT_EQ(table.text(0, 0), "x, \"y\"\r\nz");
  EXPECT_EQ(table.text(0, 1), "");
  EXPECT_EQ(table.text(1, 1), "last");
  EXPECT_EQ(table.line(1), 4);
}

TEST(Csv, BrokenTextIsRefusedWithItsLine) {
  EXPECT_THAT(refusal(""), HasSubstr("x.csv: is empty"));
  EXPECT_THAT(refusal("\r\n\n"), HasSubstr("is empty"));
  EXPECT_THAT(refusal("a,b\n1,2\n1\n"), AllOf(HasSubstr("line 3"), HasSubstr("1 fields, but 2")));
  EXPECT_THAT(refusal("a,b\n1,2,3\n"), AllOf(HasSubstr("line 2"), HasSubstr("3 fields")));
  EXPECT_THAT(refusal("a\n\n\"x\ny\n"), AllOf(HasSubstr("line 3"), HasSubstr("never closed")));
  EXPECT_THAT(refusal("a\nx\"y\"\n"), AllOf(HasSubstr("line 2"), HasSubstr("unquoted")));
  EXPECT_THAT(refusal("a\n\"x\"y\n"), AllOf(HasSubstr("line 2"), HasSubstr("closing quote")));
  EXPECT_THAT(refusal("a,b,a\n"), HasSubstr("two columns are called 'a'"));
  EXPECT_THAT(refusal("a,,b\n"), HasSubstr("column 2 has no name"));
  EXPECT_THAT(refusal(std::string("a\0\n", 3)), HasSubstr("UTF-8"));
}

TEST(Csv, AMissingColumnIsNamedBesideThoseThereAre) {
  const CsvTable table("song,score\n", "x.csv");
  EXPECT_TRUE(table.has_column("song"));
  EXPECT_FALSE(table.has_column("Song"));
  try {
    table.column("rating");
    ADD_FAILURE();
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), HasSubstr("x.csv: has no column 'rating'; its columns: song, score"));
  }
}

TEST(Csv, OnlyOneFiniteNumberIsANumber) {
  const CsvTable good("a\n-1.25e2\n0\n.5\n", "x.csv");
  EXPECT_EQ(good.number(0, 0) + good.number(1, 0) + good.number(2, 0), -124.5);
  const CsvTable bad("a,b\n,\nnan,\ninf,\n1e999,\n\"1,5\",\n 1,\n1x,\n", "x.csv");
  ASSERT_EQ(bad.num_rows(), 7u);
  for (size_t row = 0; row < bad.num_rows(); ++row) {
    try {
      bad.number(row, 0);
      ADD_FAILURE() << bad.text(row, 0);
    } catch (const Error& e) {
      EXPECT_THAT(e.what(), AllOf(HasSubstr("line " + std::to_string(row + 2)),
                                  HasSubstr("column a is '" + bad.text(row, 0))));
    }
  }
}

TEST(Csv, AFileThatIsTooLargeIsNotRead) {
  const testing::TemporaryDirectory directory;
  write_file_atomically(directory / "x.csv", "a\n1\n");
  EXPECT_EQ(read_csv(directory / "x.csv").number(0, 0), 1.0);
  write_file_atomically(directory / "x.csv", std::string(kLargestCsvBytes + 1, '\n'));
  EXPECT_THROW(read_csv(directory / "x.csv"), Error);
  EXPECT_THROW(read_csv(directory / "none.csv"), Error);
}

TEST(CsvField, IsReadBackAsItWas) {
  for (const std::string text : {"", "plain", " spaces ", "a,b", "say \"yes\"", "\"", "two\nlines",
                                 "carriage\r", "\r\n,\""}) {
    const CsvTable table("name,last\n" + csv_field(text) + ",1\n", "t.csv");
    ASSERT_EQ(table.num_rows(), 1u) << text;
    EXPECT_EQ(table.text(0, 0), text);
  }
}

}  // namespace
}  // namespace cocola
