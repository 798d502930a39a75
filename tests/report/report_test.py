"""The pages of `cocola_eval` in a real browser: MODEL STEMS [FOLDER for screenshots]."""
import json
import math
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

from browser import Browser, find_browser

PROGRAM = pathlib.Path(os.environ["COCOLA_BIN"]) / "cocola_eval"
HOSTILE = '"><script>window.hurt = 1</script><img src=x onerror=window.hurt=1> \' & {{style}}'
SYSTEMS = ("random", "diffusion", "ground truth", HOSTILE)
PHONE, DESKTOP = 375, 1280
PAPER = 718  # CSS pixels between the margins of A4

# What a reader sees of the document, and every other text that holds a digit.
SHOWN = """(() => {
  const rows = [...document.querySelectorAll('[data-path]')].map(e => ({
    path: e.dataset.path, value: e.dataset.value ?? null, text: e.textContent, isPoint: e.matches('circle')}));
  const lengths = [...document.querySelectorAll('[data-length]')].map(e => [e.dataset.length, e.textContent]);
  const strays = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const own = walker.currentNode;
    if (!/[0-9]/.test(own.data)) continue;
    if (own.parentElement.closest('[data-path], [data-length], [data-text], [data-unscored], script, svg')) continue;
    strays.push(own.data);
  }
  return {rows, lengths, strays, unscored: document.querySelector('[data-unscored]')?.textContent};
})()"""

# Places of points, of each curve.
CURVES = """[...document.querySelectorAll('details.pair[open] svg')].map(svg =>
  [...svg.querySelectorAll('circle')].map(c => [+c.getAttribute('cx'), +c.getAttribute('cy'), c.dataset.path]))"""

PICTURES = """[...document.querySelectorAll('details.pair[open] svg image')].map(i => [
  +i.getAttribute('x'), +i.getAttribute('width'),
  +i.closest('details').querySelector('.spectrograms').dataset.seconds, i.getAttribute('href')])"""

COLUMN = """(title) => {
  const table = document.querySelector('table[data-about=pairs]');
  const header = [...table.tHead.rows[0].cells].find(c => c.textContent === title);
  return {sort: header.getAttribute('aria-sort'),
          cells: [...table.tBodies[0].rows].map(r => r.cells[header.cellIndex].textContent)};
}"""


def make_document(stems, num_songs=8):
    """Scores of some systems on some songs; the first pairs name real recordings."""
    scores, num_windows = [], 9
    for s, system in enumerate(SYSTEMS):
        for song in range(num_songs):
            def score(mode, window=0.0):
                return 50.0 + 3 * s + math.sin(5 * s + 3 * song + mode + 1.7 * window) / 3

            silent = s == 1 and song == 2
            curve = {"start_seconds": [2.5 * w for w in range(num_windows)]}
            for mode, name in enumerate(("both", "harmonic", "percussive")):
                curve[name] = [None if w == 4 or silent else score(mode, w + 1) for w in range(num_windows)]
            values = {name: None if silent else score(mode)
                      for mode, name in enumerate(("both", "harmonic", "percussive"))}
            real = not scores
            scores.append({
                "a": str(stems[0]) if real else f"mixes/{HOSTILE}{song}.wav",
                "b": str(stems[1]) if real else f"made/{system}/song {song}.wav",
                "name": f"song {song}" if song else HOSTILE, "system": system, **values,
                "windows": 0 if silent else num_windows - 1, "silent_windows": num_windows if silent else 1,
                "spread": {name: None if silent else 0.1 + mode / 7 for mode, name in enumerate(values)},
                "reason": "no window is audible in both files" if silent else None, "curve": curve,
                "percentile": None if silent else {
                    name: {"true_pairs": 100 / (song + 2), "mismatched": 99.5} for name in values}})
    return {"scores": scores, "unmatched": {"a": [HOSTILE, "lonely-1.wav"], "b": []},
            "model": f"runs/{HOSTILE}/model.safetensors", "model_digest": "0123456789abcdef" * 2,
            "hop": 0.5, "window_seconds": 5.0}


def resolve(document, path):
    for key in path.split("/")[1:]:
        document = document[int(key) if isinstance(document, list) else key]
    return document


class Report(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        folder = pathlib.Path(cls.folder.name)
        cls.page = folder / "a report.html"
        (folder / "scores.json").write_text(json.dumps(make_document(STEMS)))
        subprocess.run([PROGRAM, "report", "--scores", folder / "scores.json", "--html", cls.page,
                        "--model", MODEL, "--spectrograms", "2"], check=True, capture_output=True)
        # What is embedded is the document with the comparison that the program adds.
        text = re.search(r'<script type="application/json" id="document">(.*?)</script>',
                         cls.page.read_text("utf-8"), re.S).group(1)
        cls.document = json.loads(text)
        cls.browser = Browser(find_browser())

    @classmethod
    def tearDownClass(cls):
        cls.browser.close()
        cls.folder.cleanup()

    def open(self, width=DESKTOP):
        self.browser.call("Emulation.setEmulatedMedia", media="", features=[])
        self.browser.open(self.page.as_uri(), width, mobile=width == PHONE)

    def open_all_pairs(self):
        self.browser.evaluate("document.getElementById('open-all').click()")
        self.browser.evaluate("new Promise(done => setTimeout(done, 300))")

    def test_document_is_that_of_the_scores(self):
        given = make_document(STEMS)
        self.assertEqual({key: self.document[key] for key in given}, given)
        self.assertEqual([row["system"] for row in self.document["comparison"]["systems"]],
                         ["random", "diffusion", HOSTILE, "ground truth"])

    def test_fits_on_phones_and_desktops(self):
        for width in (320, PHONE, 768, DESKTOP):
            with self.subTest(width=width):
                self.open(width)
                self.open_all_pairs()
                self.assertLessEqual(self.browser.evaluate("document.documentElement.scrollWidth"), width)
                beyond = self.browser.evaluate("""[...document.querySelectorAll('body *')].filter(e =>
                    !e.closest('.wide, caption') && e.getBoundingClientRect().right > innerWidth + 0.5
                ).map(e => e.outerHTML.slice(0, 200))""")
                self.assertEqual(beyond, [])
                if SCREENSHOTS:
                    self.browser.screenshot(SCREENSHOTS / f"report-{width}.png")

    def test_says_nothing_to_the_console_and_loads_nothing(self):
        for width in (PHONE, DESKTOP):
            self.open(width)
            self.open_all_pairs()
            said = self.browser.events_of("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded")
            self.assertEqual(said, [])
            urls = [event["request"]["url"] for event in self.browser.events_of("Network.requestWillBeSent")]
            self.assertEqual([url for url in urls if not url.startswith("data:")], [self.page.as_uri()])

    def test_hostile_names_are_text(self):
        self.open()
        self.open_all_pairs()
        self.assertIsNone(self.browser.evaluate("window.hurt ?? null"))
        self.assertEqual(self.browser.evaluate("document.scripts.length"), 2)
        self.assertEqual(self.browser.evaluate("document.querySelectorAll('[onerror]').length"), 0)
        self.assertIn(HOSTILE, self.browser.evaluate("document.body.innerText"))

    def test_every_number_is_one_of_the_document(self):
        for width in (PHONE, DESKTOP):
            self.open(width)
            self.open_all_pairs()
            shown = self.browser.evaluate(SHOWN)
            self.assertEqual(shown["strays"], [])
            for row in shown["rows"]:
                expected = resolve(self.document, row["path"])
                if row["value"] is None:
                    self.assertEqual(row["text"], expected)
                    continue
                self.assertEqual(float(row["value"]), expected, row["path"])
                if row["isPoint"]:
                    continue
                scale = 100 if row["path"].endswith(("/best", "/level")) else 1
                decimals = len(row["text"].partition(".")[2])
                self.assertAlmostEqual(float(row["text"]), scale * expected, delta=0.5001 * 10**-decimals)
            for path, text in shown["lengths"]:
                self.assertEqual(int(text), len(resolve(self.document, path)))
            self.assertEqual(int(shown["unscored"]), sum(s["both"] is None for s in self.document["scores"]))

    def test_every_number_of_the_document_is_shown(self):
        self.open()
        self.open_all_pairs()
        paths = {row["path"] for row in self.browser.evaluate(SHOWN)["rows"]}
        for i, pair in enumerate(self.document["scores"]):
            for mode in ("both", "harmonic", "percussive"):
                expected = {f"/scores/{i}/{mode}"} if pair[mode] is not None else set()
                expected |= {f"/scores/{i}/curve/{mode}/{w}"
                             for w, score in enumerate(pair["curve"][mode]) if score is not None}
                self.assertLessEqual(expected, paths)
        for i, system in enumerate(self.document["comparison"]["systems"]):
            for mode in ("both", "harmonic", "percussive"):
                for part in ("value", "low", "high"):
                    self.assertIn(f"/comparison/systems/{i}/{mode}/mean/{part}", paths)

    def test_points_stand_where_time_and_score_are(self):
        self.open()
        self.open_all_pairs()
        curves = [points for points in self.browser.evaluate(CURVES) if points]
        self.assertEqual(len(curves), sum(s["both"] is not None for s in self.document["scores"]))
        for points in curves:
            index = int(points[0][2].split("/")[2])
            curve = self.document["scores"][index]["curve"]
            data = [(curve["start_seconds"][int(path.split("/")[5])], resolve(self.document, path), x, y)
                    for x, y, path in points]
            for value, place in ((0, 2), (1, 3)):
                data.sort(key=lambda row, value=value: row[value])
                (v0, p0), (v1, p1) = ((row[value], row[place]) for row in (data[0], data[-1]))
                self.assertEqual(p1 > p0, value == 0)  # later is right, higher is up
                for row in data:
                    self.assertAlmostEqual(row[place], p0 + (row[value] - v0) / (v1 - v0) * (p1 - p0), delta=0.05)

    def test_spectrograms_share_the_time_axis_of_the_curve(self):
        self.open()
        self.open_all_pairs()
        pictures = self.browser.evaluate(PICTURES)
        self.assertEqual(len(pictures), 4)  # two files, two channels, of the one pair that is there
        points = self.browser.evaluate(CURVES)[0]
        starts = self.document["scores"][0]["curve"]["start_seconds"]
        by_window = {int(path.split("/")[5]): x for x, _, path in points}
        scale = (by_window[8] - by_window[0]) / (starts[8] - starts[0])
        for left, width, seconds, source in pictures:
            self.assertTrue(source.startswith("data:image/png;base64,"))
            self.assertAlmostEqual(width, scale * seconds, delta=0.1)
            self.assertAlmostEqual(left + scale * self.document["window_seconds"] / 2, by_window[0], delta=0.1)
        loaded = self.browser.evaluate(
            "Promise.all([...document.querySelectorAll('.spectrograms img')].map(i => i.decode().then(() => i.naturalHeight)))")
        self.assertEqual(loaded, [64] * 4)

    def test_tables_sort_by_mouse_and_keyboard(self):
        self.open()
        original = self.browser.evaluate(f"({COLUMN})('both')")
        numbers = [None if text == "none" else float(text) for text in original["cells"]]
        known = sorted((n for n in numbers if n is not None), reverse=True)
        rest = [None] * (len(numbers) - len(known))
        button = ("[...document.querySelectorAll('table[data-about=pairs] thead [role=button]')]"
                  ".find(b => b.textContent === 'both')")

        def column():
            state = self.browser.evaluate(f"({COLUMN})('both')")
            return state["sort"], [None if text == "none" else float(text) for text in state["cells"]]

        self.assertEqual(column(), ("none", numbers))
        self.browser.evaluate(f"{button}.click()")
        self.assertEqual(column(), ("descending", known + rest))
        self.browser.evaluate(f"{button}.focus()")
        self.browser.press("Enter")
        self.assertEqual(column(), ("ascending", known[::-1] + rest))
        self.browser.press("Enter")
        self.assertEqual(column(), ("none", numbers))

    def test_print_has_no_controls_and_all_columns(self):
        self.open(PAPER)
        self.browser.call("Emulation.setEmulatedMedia", media="print")
        self.assertLessEqual(self.browser.evaluate("document.documentElement.scrollWidth"), PAPER)
        self.assertEqual(self.browser.evaluate("getComputedStyle(document.querySelector('.controls')).display"), "none")
        self.assertEqual(self.browser.evaluate(
            "getComputedStyle(document.querySelector('th [role=button]'), '::after').content"), "none")
        self.assertTrue(self.browser.pdf().startswith(b"%PDF-"))
        if SCREENSHOTS:
            (SCREENSHOTS / "report.pdf").write_bytes(self.browser.pdf())

    def test_dark_scheme_is_dark(self):
        self.open()
        paper = "getComputedStyle(document.body).backgroundColor"
        self.assertEqual(self.browser.evaluate(paper), "rgb(255, 255, 255)")
        self.browser.call("Emulation.setEmulatedMedia",
                          features=[{"name": "prefers-color-scheme", "value": "dark"}])
        self.assertEqual(self.browser.evaluate(paper), "rgb(13, 17, 23)")
        if SCREENSHOTS:
            self.browser.screenshot(SCREENSHOTS / "report-dark.png")

    def test_without_scripts_tables_and_pictures_are_there(self):
        self.browser.call("Emulation.setScriptExecutionDisabled", value=True)
        try:
            self.browser.navigate(self.page.as_uri())
            self.browser.call("DOM.enable")
            root = self.browser.call("DOM.getDocument")["root"]["nodeId"]

            def count(selector):
                return len(self.browser.call("DOM.querySelectorAll", nodeId=root, selector=selector)["nodeIds"])

            self.assertEqual(count("table[data-about=pairs] tbody tr"), len(self.document["scores"]))
            self.assertEqual(count("thead [role=button]"), 0)
            self.assertEqual(count(".spectrograms:not([hidden]) img"), 4)
        finally:
            self.browser.call("Emulation.setScriptExecutionDisabled", value=False)


class Card(unittest.TestCase):
    """The card of the same model."""

    def test_words_stay_whole_on_a_phone(self):
        project = pathlib.Path(MODEL).parents[2]
        with tempfile.TemporaryDirectory() as folder:
            stem = pathlib.Path(folder) / "tiny"
            subprocess.run([PROGRAM, "card", "--config", "runs/tiny/config.yaml", "--model", MODEL, "--windows", "2",
                            "--out", stem], check=True, capture_output=True, cwd=project)
            browser = Browser(find_browser())
            try:
                browser.open(stem.with_name("tiny.card.html").as_uri(), PHONE, mobile=True)
                self.assertLessEqual(browser.evaluate("document.documentElement.scrollWidth"), PHONE)
                lines = browser.evaluate("""[...document.querySelectorAll('td:first-child')].map(e => {
                    const range = document.createRange();
                    range.selectNodeContents(e);
                    return [e.textContent, new Set([...range.getClientRects()].map(r => r.top)).size];
                })""")
            finally:
                browser.close()
        self.assertGreater(len(lines), 20)
        self.assertEqual([text for text, count in lines if count > text.count(" ") + 1], [])


if __name__ == "__main__":
    if find_browser() is None:
        print("skipped: no Chromium; cmake/setup.sh --browser installs one")
        sys.exit(77)
    MODEL = sys.argv[1]
    STEMS = sorted(path for path in pathlib.Path(sys.argv[2]).glob("*/*") if path.is_file())[:2]
    SCREENSHOTS = pathlib.Path(sys.argv[3]) if len(sys.argv) > 3 else None
    unittest.main(argv=sys.argv[:1])
