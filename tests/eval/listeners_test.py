"""`cocola_eval listeners` beside SciPy, on random tables with ties."""
import csv
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

try:
    import numpy
    from scipy import stats
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

PROGRAM = pathlib.Path(os.environ["COCOLA_BIN"]) / "cocola_eval"
SIZES = ((1, 3), (2, 4), (7, 5), (40, 6))  # songs, systems


def correlations(x, y):
    return {
        "pearson": stats.pearsonr(x, y).statistic,
        "spearman": stats.spearmanr(x, y).statistic,
        "kendall": stats.kendalltau(x, y).statistic,
    }


def measure(ratings, scores):
    """ratings [raters, songs, systems], scores [songs, systems]."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [pathlib.Path(folder) / name for name in ("ratings.csv", "scores.csv")]
        with open(paths[0], "w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["song", "system", "rater", "rating"])
            for (rater, song, system), rating in numpy.ndenumerate(ratings):
                writer.writerow([f'"{song}",\n', system, rater, rating])
        with open(paths[1], "w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["song", "system", "score"])
            for (song, system), score in numpy.ndenumerate(scores):
                writer.writerow([f'"{song}",\n', system, repr(float(score))])
        command = [PROGRAM, "listeners", "--ratings", paths[0], "--scores", paths[1], "--json"]
        return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


class Listeners(unittest.TestCase):
    def tables(self):
        random = numpy.random.default_rng(1)
        for songs, systems in SIZES:
            ratings = random.integers(1, 6, (3, songs, systems))
            scores = numpy.round(ratings.mean(0) + random.normal(0, 2, (songs, systems)), 1)
            yield ratings, scores

    def test_values_are_those_of_scipy(self):
        for ratings, scores in self.tables():
            report = measure(ratings, scores)
            means = ratings.mean(0)
            expected = {
                "all": correlations(means.ravel(), scores.ravel()),
                "centred_by_song": correlations(
                    (means - means.mean(1, keepdims=True)).round(12).ravel(),
                    (scores - scores.mean(1, keepdims=True)).round(12).ravel(),
                ),
                "system_means": correlations(means.mean(0), scores.mean(0)),
            }
            for part, values in expected.items():
                for name, value in values.items():
                    with self.subTest(part=part, name=name, shape=scores.shape):
                        self.assertAlmostEqual(report[part][name]["value"], value, places=9)

    def test_intervals_are_those_of_songs_drawn_with_replacement(self):
        ratings, scores = list(self.tables())[-1]
        means = ratings.mean(0)
        random = numpy.random.default_rng(2)
        drawn = []
        for _ in range(2000):
            songs = random.integers(0, len(scores), len(scores))
            drawn.append(stats.pearsonr(means[songs].ravel(), scores[songs].ravel()).statistic)
        low, high = numpy.percentile(drawn, [2.5, 97.5])
        pearson = measure(ratings, scores)["all"]["pearson"]
        self.assertAlmostEqual(pearson["low"], low, delta=0.02)
        self.assertAlmostEqual(pearson["high"], high, delta=0.02)


if __name__ == "__main__":
    unittest.main()
