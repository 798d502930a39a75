"""`cocola_eval compare` beside NumPy, on random scores with its own random numbers."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

try:
    import numpy
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

PROGRAM = pathlib.Path(os.environ["COCOLA_BIN"]) / "cocola_eval"
MODES = ("both", "harmonic", "percussive")
NAMES = 40
# Differences to the first: clear, near, none.
SYSTEMS = {"Random": 50.0, "slow": 51.0, "near": 50.3, "same": 50.0, "Ground truth": 53.0}
RESAMPLES = 40_000


def draw_scores(seed=3):
    """[mode, system, name]: names differ more than systems do."""
    random = numpy.random.default_rng(seed)
    songs = random.normal(0, 5, (3, 1, NAMES))
    return numpy.array(list(SYSTEMS.values()))[None, :, None] + songs + random.normal(0, 1, (3, len(SYSTEMS), NAMES))


def pairs_of(scores, system):
    s = list(SYSTEMS).index(system)
    return [{"a": f"mix {n}.wav", "b": f"{system}/{n}.wav", "name": f"song {n}", "system": system,
             **{mode: scores[m, s, n] for m, mode in enumerate(MODES)}} for n in range(NAMES)]


def run(documents, *options):
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for name, document in documents.items():
            paths.append(pathlib.Path(folder) / f"{name}.json")
            paths[-1].write_text(json.dumps(document))
        command = [PROGRAM, "compare", "--scores", *paths, *options]
        return subprocess.run(command, capture_output=True, text=True)


def compare(documents, *options):
    return json.loads(run(documents, "--json", *options).stdout)


class Comparison(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scores = draw_scores()
        cls.document = {"scores": [pair for system in SYSTEMS for pair in pairs_of(cls.scores, system)]}
        cls.report = compare({"all": cls.document})
        cls.rows = {row["system"]: row for row in cls.report["systems"]}
        random = numpy.random.default_rng(4)
        drawn = random.integers(0, NAMES, (RESAMPLES, NAMES))
        cls.means = cls.scores[:, :, drawn].mean(-1)  # [mode, system, resample]

    def near(self, row, values, expected):
        low, high = numpy.percentile(values, [2.5, 97.5])
        self.assertAlmostEqual(row["value"], expected, places=9)
        self.assertAlmostEqual(row["low"], low, delta=0.04 * (high - low))
        self.assertAlmostEqual(row["high"], high, delta=0.04 * (high - low))

    def test_means_differences_and_intervals(self):
        for m, mode in enumerate(MODES):
            for s, system in enumerate(SYSTEMS):
                with self.subTest(mode=mode, system=system):
                    row = self.rows[system][mode]
                    self.near(row["mean"], self.means[m, s], self.scores[m, s].mean())
                    if system == "Random":
                        self.assertIsNone(row["difference"])
                        continue
                    differences = self.means[m, s] - self.means[m, 0]
                    self.near(row["difference"], differences, (self.scores[m, s] - self.scores[m, 0]).mean())
                    p = min(1, 2 * min((differences >= 0).mean(), (differences <= 0).mean()))
                    self.assertAlmostEqual(row["difference"]["p"], p, delta=0.02)

    def test_share_of_resamples_in_which_a_system_is_best(self):
        for m, mode in enumerate(MODES):
            best = self.means[m].argmax(0)
            for s, system in enumerate(SYSTEMS):
                self.assertAlmostEqual(self.rows[system][mode]["best"], (best == s).mean(), delta=0.02)
            self.assertAlmostEqual(sum(row[mode]["best"] for row in self.rows.values()), 1.0)

    def test_ranks_are_shared_where_the_interval_of_the_difference_holds_zero(self):
        order = sorted(range(len(SYSTEMS)), key=lambda s: -self.scores[0, s].mean())
        leader, rank = order[0], 1
        for place, s in enumerate(order):
            low, high = numpy.percentile(self.means[0, s] - self.means[0, leader], [2.5, 97.5])
            if not low <= 0 <= high:
                leader, rank = s, place + 1
            self.assertEqual(self.rows[list(SYSTEMS)[s]]["rank"], rank)
        self.assertEqual(self.rows["Ground truth"]["rank"], 1)
        self.assertEqual(len(self.report["ranking"]), len(SYSTEMS))

    def test_rows_are_those_of_the_papers(self):
        self.assertEqual([row["system"] for row in self.report["systems"]],
                         ["Random", "slow", "near", "same", "Ground truth"])
        lines = run({"all": self.document}).stdout.splitlines()
        shown = [line.split("  ")[0] for line in lines if line.split("  ")[0] in SYSTEMS]
        self.assertEqual(shown, ["Random", "slow", "near", "same", "Ground truth"])

    def test_one_file_a_system_says_the_same(self):
        documents = {}
        for system in SYSTEMS:
            pairs = [{key: value for key, value in pair.items() if key not in ("system", "name")}
                     for pair in pairs_of(self.scores, system)]
            documents[system] = {"scores": pairs}
        report = compare(documents)
        self.assertEqual(report["systems"], self.report["systems"])

    def test_every_run_says_the_same_and_baselines_can_be_chosen(self):
        self.assertEqual(compare({"all": self.document}), self.report)
        turned = {row["system"]: row for row in compare({"all": self.document}, "--baseline", "slow")["systems"]}
        self.assertIsNone(turned["slow"]["both"]["difference"])
        self.assertAlmostEqual(turned["Random"]["both"]["difference"]["value"],
                               -self.rows["slow"]["both"]["difference"]["value"])

    def test_names_that_a_system_lacks_are_listed_and_left_out(self):
        pairs = [dict(pair) for pair in self.document["scores"]]
        pairs[0]["both"] = None  # Random, song 0
        pairs = [pair for pair in pairs if (pair["system"], pair["name"]) != ("near", "song 7")]
        report = compare({"all": {"scores": pairs}})
        self.assertEqual(report["left_out"], [
            {"name": "song 0", "missing": [], "unscored": ["Random"]},
            {"name": "song 7", "missing": ["near"], "unscored": []}])
        self.assertEqual(report["names"], NAMES - 2)
        kept = [n for n in range(NAMES) if n not in (0, 7)]
        for s, system in enumerate(SYSTEMS):
            row = next(row for row in report["systems"] if row["system"] == system)
            self.assertAlmostEqual(row["both"]["mean"]["value"], self.scores[0, s, kept].mean(), places=9)


if __name__ == "__main__":
    unittest.main()
