#include "eval/document.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"

namespace cocola {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Document some_document() {
  return {.title = "Card <of> a|b",
          .summary = "It *is* & stays.",
          .sections = {{.name = "one",
                        .title = "First",
                        .paragraphs = {"A <script>alert(1)</script>."},
                        .tables = {{.name = "numbers",
                                    .columns = {"name", "value"},
                                    .rows = {{"x|y", "12.50"}, {"z", "-"}, {"d", "0123"}}}},
                        .pictures = {{"<svg></svg>"}},
                        .points = {"first", "second"}}}};
}

TEST(Document, MarkupInTextIsShownNotObeyed) {
  const std::string markdown = to_markdown(some_document()), html = to_html(some_document());
  EXPECT_THAT(markdown, HasSubstr("# Card \\<of\\> a\\|b"));
  EXPECT_THAT(markdown, HasSubstr("It \\*is\\* & stays."));
  EXPECT_THAT(markdown, HasSubstr("| x\\|y | 12.50 |"));
  EXPECT_THAT(html, HasSubstr("<h1>Card &lt;of&gt; a|b</h1>"));
  EXPECT_THAT(html, Not(HasSubstr("<script")));
  EXPECT_THAT(html, HasSubstr("It *is* &amp; stays."));
}

TEST(Document, ThePageNeedsNothingElse) {
  const std::string html = to_html(some_document());
  for (const char* foreign : {"http:", "https:", "src=", "href=", "@import", "url("}) {
    EXPECT_THAT(html, Not(HasSubstr(foreign)));
  }
  EXPECT_THAT(html, HasSubstr("<svg></svg>"));
  EXPECT_THAT(html, HasSubstr("width=device-width"));
}

TEST(Document, CellsAreNumbersInJsonWhereTheyAreNumbers) {
  const OrderedJson json = to_json(some_document());
  const OrderedJson& rows = json["sections"]["one"]["tables"]["numbers"];
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0]["name"], "x|y");
  EXPECT_EQ(rows[0]["value"], 12.5);
  EXPECT_EQ(rows[1]["value"], "-");
  EXPECT_EQ(rows[2]["value"], "0123");
  EXPECT_EQ(json["sections"]["one"]["points"].size(), 2u);
}

}  // namespace
}  // namespace cocola
