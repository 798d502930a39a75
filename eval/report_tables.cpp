#include "eval/report_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/json.h"
#include "eval/markup.h"
#include "eval/score_document.h"

namespace cocola {
namespace {

// A place that may be missing, as null.
const OrderedJson& at(const OrderedJson& document, const std::string& path) {
  static const OrderedJson kNull;
  const OrderedJson::json_pointer pointer(path);
  return document.contains(pointer) ? document.at(pointer) : kNull;
}

std::string header(const std::string& title, bool is_number, const char* hint = "") {
  const std::string explained =
      *hint == '\0' ? "" : fmt::format(" title=\"{}\"", escaped_markup(hint));
  return fmt::format("<th scope=\"col\" aria-sort=\"none\"{}{}>{}</th>",
                     is_number ? " class=\"number\"" : "", explained, escaped_markup(title));
}

std::string table(const std::string& about, const std::string& label, const std::string& headers,
                  const std::string& rows) {
  return fmt::format(
      "<div class=\"wide\" role=\"region\" tabindex=\"0\" aria-label=\"{0}\"><table "
      "class=\"sorts\" "
      "data-about=\"{3}\"><caption>{0}</caption><thead><tr>{1}</tr></thead>\n<tbody>\n{2}</tbody>"
      "</table></div>\n",
      escaped_markup(label), headers, rows, about);
}

std::string number_cell(const std::string& content) {
  return "<td class=\"number\">" + content + "</td>";
}

std::string fact(const std::string& name, const std::string& content) {
  return content.empty() ? "" : fmt::format("<dt>{}</dt><dd>{}</dd>", name, content);
}

// ---- Pairs. ----

// Columns that some pair has something in.
struct PairColumn {
  std::string key, title, hint, format;

  bool is_empty(const OrderedJson& document) const {
    for (size_t i = 0; i < document["scores"].size(); ++i) {
      if (!at(document, fmt::format("/scores/{}/{}", i, key)).is_null()) return false;
    }
    return true;
  }
};

std::vector<PairColumn> pair_columns(const OrderedJson& document) {
  std::vector<PairColumn> columns;
  const auto add = [&](PairColumn column) {
    if (!column.is_empty(document)) columns.push_back(std::move(column));
  };
  // Long words have soft hyphens, for narrow pages.
  const std::string modes[][2] = {
      {"both", "both"}, {"harmonic", "har\u00admonic"}, {"percussive", "per\u00adcus\u00adsive"}};
  columns.push_back({"both", "both", "mean score over windows", "{:.4f}"});
  add({"harmonic", modes[1][1], "the percussive channel is hidden", "{:.4f}"});
  add({"percussive", modes[2][1], "the harmonic channel is hidden", "{:.4f}"});
  add({"spread/both", "spread", "standard deviation of both over windows", "{:.4f}"});
  add({"windows", "win\u00addows", "windows that were scored", "{:.0f}"});
  add({"silent_windows", "silent", "windows left out as silent", "{:.0f}"});
  for (const auto& [mode, title] : modes) {
    const std::string start = fmt::format("percentile/{}/", mode);
    add({start + "true_pairs", title + ": % of true pairs",
         "percentile among pairs that belong together", "{:.1f}"});
    add({start + "mismatched", title + ": % of mis\u00admatched",
         "percentile among pairs of different songs", "{:.1f}"});
  }
  return columns;
}

// The name, a link to the pair's curve.
std::string name_cell(const OrderedJson& document, size_t index) {
  return fmt::format("<th scope=\"row\"><a href=\"#pair-{}\">{}</a></th>", index,
                     pair_name_markup(document, index));
}

// ---- The comparison. ----

std::string estimate_markup(const OrderedJson& document, const std::string& path,
                            const char* format) {
  if (at(document, path).is_null()) return "none";
  std::string text = number_markup(document, path + "/value", format);
  if (!at(document, path + "/low").is_null()) {
    text += " <span class=\"interval\">[" + number_markup(document, path + "/low", format) + ", " +
            number_markup(document, path + "/high", format) + "]</span>";
  }
  return text;
}

std::string system_row(const OrderedJson& document, size_t index) {
  const std::string place = fmt::format("/comparison/systems/{}", index);
  const std::string difference = place + "/both/difference";
  std::string row = "<tr><th scope=\"row\">" + text_markup(document, place + "/system") + "</th>";
  row += number_cell(number_markup(document, place + "/rank", "{:.0f}"));
  for (const char* mode : {"both", "percussive", "harmonic"}) {
    row += number_cell(estimate_markup(document, fmt::format("{}/{}/mean", place, mode), "{:.3f}"));
  }
  if (at(document, difference).is_null()) {
    row += "<td class=\"number\">baseline</td><td class=\"number\"></td>";
  } else {
    row += number_cell(estimate_markup(document, difference, "{:+.3f}"));
    row += number_cell(number_markup(document, difference + "/p"));
  }
  return row + number_cell(number_markup(document, place + "/both/best", "{:.1f}", 100.0)) +
         "</tr>\n";
}

std::string system_names(const OrderedJson& document, const std::string& path) {
  std::string names;
  for (size_t i = 0; i < at(document, path).size(); ++i) {
    names += (i == 0 ? "" : ", ") + text_markup(document, fmt::format("{}/{}", path, i));
  }
  return names;
}

std::string left_out_markup(const OrderedJson& document) {
  const OrderedJson& items = at(document, "/comparison/left_out");
  if (items.empty()) return "";
  std::string list;
  for (size_t i = 0; i < items.size(); ++i) {
    const std::string place = fmt::format("/comparison/left_out/{}", i);
    list += "<li>" + text_markup(document, place + "/name");
    const std::string missing = system_names(document, place + "/missing"),
                      unscored = system_names(document, place + "/unscored");
    if (!missing.empty()) list += "; missing: " + missing;
    if (!unscored.empty()) list += "; without a score: " + unscored;
    list += "</li>\n";
  }
  return fmt::format(
      "<details><summary>Names left out, as not every system has a score: <span "
      "data-length=\"/comparison/left_out\">{}</span></summary><ul>{}</ul></details>\n",
      items.size(), list);
}

std::string name_list(const OrderedJson& document, const std::string& path, const char* title) {
  const OrderedJson& names = at(document, path);
  if (names.empty()) return "";
  std::string list;
  for (size_t i = 0; i < names.size(); ++i) {
    list += "<li>" + text_markup(document, fmt::format("{}/{}", path, i)) + "</li>\n";
  }
  return fmt::format(
      "<details><summary>{} (<span data-length=\"{}\">{}</span>)</summary><ul>{}"
      "</ul></details>\n",
      title, path, names.size(), list);
}

}  // namespace

std::string number_markup(const OrderedJson& document, const std::string& path,
                          std::string_view format, double scale) {
  const OrderedJson& value = at(document, path);
  if (value.is_null()) return "<span class=\"none\">none</span>";
  return fmt::format("<span data-path=\"{}\" data-value=\"{}\">{}</span>", path, value.dump(),
                     fmt::format(fmt::runtime(format), scale * value.get<double>()));
}

std::string text_markup(const OrderedJson& document, const std::string& path) {
  const OrderedJson& value = at(document, path);
  if (value.is_null()) return "";
  return fmt::format("<span data-path=\"{}\">{}</span>", path,
                     escaped_markup(value.get<std::string>()));
}

std::string pair_name_markup(const OrderedJson& document, size_t index) {
  const OrderedJson& pair = document["scores"][index];
  return value_or_null(pair, "name").is_null()
             ? "<span data-text>" + escaped_markup(name_of_pair(pair)) + "</span>"
             : text_markup(document, fmt::format("/scores/{}/name", index));
}

std::string summary_markup(const OrderedJson& document) {
  const OrderedJson& scores = document["scores"];
  const auto num_unscored = std::ranges::count_if(
      scores, [](const OrderedJson& pair) { return value_or_null(pair, "both").is_null(); });
  std::string pairs = fmt::format("<span data-length=\"/scores\">{}</span>", scores.size());
  if (num_unscored > 0) {
    pairs += fmt::format(", <span data-unscored>{}</span> of them without a score", num_unscored);
  }
  const auto setting = [&](const char* key, const char* after) {
    const std::string path = std::string("/") + key;
    return at(document, path).is_null() ? "" : number_markup(document, path, "{:g}") + after;
  };
  return "<dl>" + fact("pairs", pairs) + fact("model", text_markup(document, "/model")) +
         fact("digest", text_markup(document, "/model_digest")) +
         fact("window", setting("window_seconds", " s")) + fact("hop", setting("hop", " windows")) +
         "</dl>\n";
}

std::string pairs_table(const OrderedJson& document) {
  const std::vector<PairColumn> columns = pair_columns(document);
  const bool has_systems = !PairColumn{"system", "", "", ""}.is_empty(document);
  const bool has_reasons = !PairColumn{"reason", "", "", ""}.is_empty(document);
  std::string headers = header("pair", false), rows;
  if (has_systems) headers += header("system", false);
  for (const PairColumn& column : columns)
    headers += header(column.title, true, column.hint.c_str());
  if (has_reasons) headers += header("why a score is missing", false);
  for (size_t i = 0; i < document["scores"].size(); ++i) {
    const std::string place = fmt::format("/scores/{}/", i);
    rows += "<tr>" + name_cell(document, i);
    if (has_systems) rows += "<td>" + text_markup(document, place + "system") + "</td>";
    for (const PairColumn& column : columns) {
      rows += number_cell(number_markup(document, place + column.key, column.format));
    }
    if (has_reasons)
      rows += "<td class=\"reason\">" + text_markup(document, place + "reason") + "</td>";
    rows += "</tr>\n";
  }
  return table("pairs", "Scores of all pairs", headers, rows);
}

std::string comparison_markup(const OrderedJson& document) {
  if (at(document, "/comparison").is_null()) return "";
  std::string markup = "<section><h2>Systems</h2>\n";
  if (!at(document, "/comparison/problem").is_null()) {
    return markup + "<p>They cannot be compared: " + text_markup(document, "/comparison/problem") +
           "</p></section>\n";
  }
  markup += "<p>Means over " + number_markup(document, "/comparison/names", "{:.0f}") +
            " names that all systems have, with " +
            number_markup(document, "/comparison/level", "{:.0f}", 100.0) +
            " % intervals over names. Differences to " +
            text_markup(document, "/comparison/baseline") + " are paired (bootstrap, " +
            number_markup(document, "/comparison/resamples", "{:.0f}") + " resamples, seed " +
            number_markup(document, "/comparison/seed", "{:.0f}") +
            ").</p>\n<div class=\"chart\" id=\"systems\"></div>\n";
  const std::string headers =
      header("system", false) + header("rank", true) + header("both", true) +
      header("percussive", true) + header("harmonic", true) + header("both less baseline", true) +
      header("p", true, "of no difference to the baseline, two-sided") +
      header("best, %", true, "share of resamples in which its mean is the highest");
  std::string rows;
  for (size_t i = 0; i < at(document, "/comparison/systems").size(); ++i) {
    rows += system_row(document, i);
  }
  markup += table("systems", "Mean scores of systems", headers, rows) + "<ul class=\"ranking\">";
  for (size_t i = 0; i < at(document, "/comparison/ranking").size(); ++i) {
    markup += "<li>" + text_markup(document, fmt::format("/comparison/ranking/{}", i)) + "</li>\n";
  }
  return markup + "</ul>\n" + left_out_markup(document) + "</section>\n";
}

std::string unmatched_markup(const OrderedJson& document) {
  const std::string lists = name_list(document, "/unmatched/a", "A without B") +
                            name_list(document, "/unmatched/b", "B without A");
  return lists.empty() ? ""
                       : "<section><h2>Files without a partner</h2>\n" + lists + "</section>\n";
}

}  // namespace cocola
