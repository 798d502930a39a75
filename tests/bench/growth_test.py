"""Laws of bench/growth.py: what is measured of a program, and what it is compared with."""
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench"))
import growth


def python(megabytes):
    return [sys.executable, "-c", f"x = bytearray({megabytes} << 20)"]


class Growth(unittest.TestCase):
    def test_a_line_is_compared_with_the_one_before_where_the_same_thing_grew(self):
        cases = [growth.Case("a", "data", 1, python(0)), growth.Case("a", "data", 2, python(0)),
                 growth.Case("a", "threads", 1, python(0)), growth.Case("b", "threads", 2, python(0))]
        with tempfile.TemporaryDirectory() as folder:
            rows = growth.run_cases(cases, pathlib.Path(folder))
        self.assertEqual([row["wall_s_growth"] is not None for row in rows], [False, True, False, False])
        self.assertAlmostEqual(rows[1]["peak_mb_growth"], rows[1]["peak_mb"] / rows[0]["peak_mb"])

    def test_the_peak_is_that_of_the_largest_process_below(self):
        child = f"import subprocess; subprocess.run({python(200)!r})"
        with tempfile.TemporaryDirectory() as folder:
            small = growth.measure(growth.Case("", "", 1, python(0)), pathlib.Path(folder))
            large = growth.measure(growth.Case("", "", 1, [sys.executable, "-c", child]), pathlib.Path(folder))
        self.assertGreater(large.peak_mb, small.peak_mb + 150)

    def test_a_program_that_fails_is_named_with_its_last_words(self):
        case = growth.Case("a", "data", 1, [sys.executable, "-c", "raise SystemExit('no songs')"])
        with tempfile.TemporaryDirectory() as folder, self.assertRaisesRegex(RuntimeError, "no songs"):
            growth.measure(case, pathlib.Path(folder))


if __name__ == "__main__":
    unittest.main()
