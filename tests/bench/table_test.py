"""Laws of bench/run.sh: what the table says of programs that measure, lack something or fail."""
import importlib.util
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

BENCH = pathlib.Path(__file__).resolve().parents[2] / "bench"
spec = importlib.util.spec_from_file_location("table", BENCH / "table.py")
table = importlib.util.module_from_spec(spec)
spec.loader.exec_module(table)

LINES = {
    "frontend": {"what": "all", "ours": 2.0, "peer": 180.0, "unit": "ms per window", "ratio": 90.0},
    "loader": {"what": "pairs", "ours": 40000.0, "unit": "pairs/s", "missing": "No module named 'h5py'"},
    "loader_stems": {"what": "fresh", "ours": 300.0, "unit": "pairs/s"},
    "cpu_step": {"what": "fp32", "ours": 16.0, "peer": 4.0, "unit": "pairs/s", "ratio": 4.0},
    "cpu_step_best": {"what": "best", "ours": 20.0, "peer": 10.0, "unit": "pairs/s", "ratio": 2.0},
    "grad_cache": {"what": "pieces", "ours": 70.0, "peer": 80.0, "unit": "pairs/s", "ratio": 0.875},
    "loss_1024_two_ranks": {"what": "two", "ours": 256.0, "unit": "ms"},
}
# Takes the place of every program: writes its lines, and its arguments beside itself.
FAKE = """#!/bin/sh
printf '%s\\n' "$@" > "$0.arguments"
cat > "$2" <<'END'
{}
END
"""


def fake(lines):
    return FAKE.format(json.dumps(lines))


FAILING = """#!/bin/sh
echo "first" >&2; echo "bench_x: the disk is full" >&2; exit 1
"""


def run(*arguments):
    return subprocess.run([BENCH / "run.sh", *map(str, arguments)], capture_output=True, text=True)


class Table(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        for program, names in table.PROGRAMS.items():
            lines = {name: LINES.get(name, {"what": "", "ours": 1.0, "unit": "s"})
                     for name in names if not name.startswith("gpu_")}
            self.program(program, fake(lines))

    def program(self, name, text):
        (self.folder / name).write_text(text)
        (self.folder / name).chmod(0o755)

    def run_table(self, *options):
        out = self.folder / "out.json"
        result = run("--bin", self.folder, "--json", out, *options)
        return result, json.loads(out.read_text())

    def line(self, result, name):
        return next(line.split() for line in result.stdout.splitlines() if line.startswith(name + " "))

    def test_every_program_is_run_and_every_line_is_printed_and_saved(self):
        result, rows = self.run_table("--quick", "--python", "some-python")
        self.assertEqual(result.returncode, 0, result.stderr)
        for program, names in table.PROGRAMS.items():
            passed = (self.folder / f"{program}.arguments").read_text().split()
            self.assertEqual(passed[:1] + passed[2:], ["--json", "--python", "some-python", "--quick"])
            for name in names:
                self.assertLessEqual({"ours", "peer", "unit", "ratio"}, rows[name].keys())
                self.assertIn(name, result.stdout)
        self.assertEqual(rows["frontend"]["ratio"], 90.0)

    def test_a_target_is_judged_by_all_its_conditions(self):
        result, rows = self.run_table()
        self.assertIs(rows["frontend"]["met"], True)
        self.assertIs(rows["cpu_step"]["met"], False)
        self.assertEqual(self.line(result, "frontend")[-1], "yes")
        self.assertEqual(self.line(result, "cpu_step")[-1], "NO")
        slow = table.row_of({"ours": 4.0, "unit": "ms", "ratio": 90.0})
        self.assertIs(table.judge("frontend", slow), False)

    def test_a_missing_peer_and_a_missing_gpu_are_no_failure_and_meet_no_target(self):
        result, rows = self.run_table()
        self.assertEqual(result.returncode, 0)
        self.assertEqual(rows["loader"]["missing"], "No module named 'h5py'")
        self.assertIsNone(rows["loader"]["met"])
        self.assertIn("missing", self.line(result, "loader"))
        for line in ("gpu_frontend", "gpu_step", "gpu_step_graph"):
            self.assertEqual(rows[line]["missing"], "no GPU")
            self.assertIsNone(rows[line]["ours"])

    def test_a_program_that_fails_says_so_in_its_lines_and_the_others_run(self):
        self.program("bench_loader", FAILING)
        (self.folder / "bench_startup").unlink()
        result, rows = self.run_table()
        self.assertEqual(result.returncode, 1)
        self.assertEqual(rows["loader"]["missing"], "failed: bench_x: the disk is full")
        self.assertIn("failed", self.line(result, "loader"))
        self.assertIn("failed", rows["score_start"]["missing"])
        self.assertEqual(rows["stalls"]["ours"], 1.0)

    def test_a_program_that_writes_nonsense_has_failed(self):
        for lines in ({}, {"loader": {"ours": "fast", "unit": "s"}}, {"loader": 3}):
            self.program("bench_loader", fake(lines))
            result, rows = self.run_table()
            self.assertEqual(result.returncode, 1)
            self.assertIn("failed", rows["loader"]["missing"])

    def test_gathering_is_a_share_of_the_step_of_the_same_run(self):
        # 1,024 pairs at 20 a second take 51.2 s, of which 256 ms are 0.5 %.
        _, rows = self.run_table()
        self.assertAlmostEqual(rows["gather"]["ours"], 0.5)
        self.assertIs(rows["gather"]["met"], True)
        self.program("bench_loss", FAILING)
        _, rows = self.run_table()
        self.assertIsNone(rows["gather"]["ours"])
        self.assertIn("not measured", rows["gather"]["missing"])

    def test_comparing_prints_both_and_the_ratio_of_their_ratios(self):
        _, rows = self.run_table()
        rows["frontend"] |= {"ours": 1.0, "ratio": 135.0}
        del rows["loader_stems"]
        other = self.folder / "other.json"
        other.write_text(json.dumps(rows))
        result = run("--compare", self.folder / "out.json", other)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(self.line(result, "frontend")[1:3], ["2.000", "1.000"])
        self.assertEqual(self.line(result, "frontend")[-3:], ["90.00x", "135.00x", "1.50x"])
        self.assertEqual(self.line(result, "loader_stems")[2], "-")

    def test_what_is_no_table_is_not_compared(self):
        _, rows = self.run_table()
        good, bad = self.folder / "out.json", self.folder / "bad.json"
        for text in ("", "[1]", "{}", '{"a": 1}', '{"a": {"ours": 1}}', '{"a": {"ours": "1", "unit": "s"}}',
                     '{"a": {"ours": NaN, "unit": "s"}}', '{"a": {"ours": 1, "unit": "s", "ratio": true}}'):
            bad.write_text(text)
            for pair in ((good, bad), (bad, good)):
                result = run("--compare", *pair)
                self.assertEqual(result.returncode, 2, text)
                self.assertIn("bad.json", result.stderr)
                self.assertNotIn("Traceback", result.stderr)
        self.assertEqual(run("--compare", good, self.folder / "none.json").returncode, 2)

    @unittest.skipUnless("COCOLA_BIN" in os.environ, "needs the programs")
    def test_a_real_program_without_its_peer_makes_lines_that_are_understood(self):
        program = pathlib.Path(os.environ["COCOLA_BIN"]) / "bench_frontend"
        lines, failure = table.run_program(program, ["--quick", "--python", "/nowhere/python3"])
        self.assertIsNone(failure)
        self.assertGreater(lines["frontend"]["ours"], 0)
        self.assertIn("/nowhere/python3", lines["frontend"]["missing"])
        lines, failure = table.run_program(program, ["--slow"])
        self.assertEqual(lines, {})
        self.assertIn("--slow", failure)

    def test_wrong_usage_ends_with_2_before_anything_runs(self):
        for arguments in (["--nope"], ["--js", "x"], ["extra"], ["--compare", "a.json"], ["--bin", "/nowhere"],
                          ["--bin", self.folder, "--json", "/nowhere/out.json"],
                          ["--compare", "a.json", "b.json", "--quick"]):
            self.assertEqual(run(*arguments).returncode, 2, arguments)
        self.assertEqual(list(self.folder.glob("*.arguments")), [])
        self.assertEqual(run("--help").returncode, 0)


if __name__ == "__main__":
    unittest.main()
