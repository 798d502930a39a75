#!/usr/bin/env python3
"""Runs every program of bench/ beside its peer and prints one table; or compares two such tables.

    bench/run.sh [--quick] [--json FILE] [--python PROGRAM] [--bin DIR]
    bench/run.sh --compare A.json B.json

A ratio says how many times better ours is; ratios travel between machines, times do not. "yes" and "NO" say whether a
target was met. A peer whose packages are missing is reported as missing: cmake/setup.sh --peers installs them. A
program that fails says so in its lines; the others still run, and the exit status is 1. Needs Python alone.
"""
import argparse
import json
import math
import os
import pathlib
import subprocess
import sys
import tempfile
import time

PROJECT = pathlib.Path(__file__).resolve().parents[1]
# Each program with the lines that every table has, whether the program makes them or not.
PROGRAMS = {
    "bench_frontend": ("frontend", "gpu_frontend"),
    "bench_loader": ("loader", "loader_cold", "loader_stems"),
    "bench_step": ("cpu_step", "cpu_step_best", "grad_cache"),
    "bench_gpu_step": ("gpu_step", "gpu_step_graph"),
    "bench_loss": ("loss_1024", "loss_1024_two_ranks"),
    "bench_preprocess": ("preprocess", "preprocess_memory"),
    "bench_startup": ("score_start", "index_open", "ddp_start"),
    "bench_end_to_end": ("end_to_end", "loader_demand", "stalls"),
}
# Line: conditions (column, least or most, value) and how they read.
TARGETS = {
    "frontend": ((("ratio", "least", 60), ("ours", "most", 3)), ">= 60x, <= 3 ms"),
    "gpu_frontend": ((("ours", "least", 200_000),), ">= 200,000: 5 % of a step at 5,000 pairs/s"),
    "loader": ((("ratio", "least", 40),), ">= 40x"),
    "cpu_step": ((("ratio", "least", 5),), ">= 5x"),
    "cpu_step_best": ((("ratio", "least", 1.2),), ">= 1.2x"),
    "gpu_step_graph": ((("ratio", "least", 1.5),), ">= 1.5x (H100, H200)"),
    "gpu_step": ((("ratio", "least", 2), ("ours", "least", 5000)), ">= 2x, >= 5,000 (H200)"),
    "grad_cache": ((("ratio", "least", 1 / 1.4),), ">= 0.71x"),
    "gather": ((("ours", "most", 3),), "<= 3 %"),
    "preprocess_memory": ((("ours", "most", 1536),), "<= 1,536 MB"),
    "score_start": ((("ours", "most", 2),), "<= 2 s"),
    "index_open": ((("ours", "most", 1),), "<= 1 s"),
    "ddp_start": ((("ours", "most", 10),), "<= 10 s"),
    "loader_demand": ((("ratio", "least", 1.2),), ">= 1.2x"),
    "stalls": ((("ours", "most", 0),), "0 %"),
}
GATHER_PAIRS = 1024
# Open MPI refuses to start as root, the usual user of a container, unless told twice.
AS_ROOT = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}


def row_of(values, missing=None):
    """One line with all its columns; those that nothing was measured for are null."""
    row = {"what": "", "ours": None, "peer": None, "unit": "", "ratio": None} | values
    return row | {"missing": missing} if missing else row


def needs_gpu(name):
    return name.startswith("gpu_")


def run_program(path, options):
    """Its lines by name, and why there are none."""
    with tempfile.TemporaryDirectory() as folder:
        table = pathlib.Path(folder) / "table.json"
        try:
            result = subprocess.run([path, "--json", table, *options], env=os.environ | AS_ROOT, text=True,
                                    errors="replace", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                    stderr=subprocess.PIPE)
            if result.returncode != 0:
                words = result.stderr.strip().splitlines() or [f"status {result.returncode}"]
                return {}, "failed: " + words[-1]
            for_gpu = all(map(needs_gpu, PROGRAMS[path.name]))
            return read_table(table, may_be_empty=for_gpu), None
        except (OSError, ValueError) as error:
            return {}, f"failed: {error}"


def gather(rows):
    """What gathering and the loss take of a step: two ranks of one thread against one process of two."""
    loss, step = (rows.get(name, {}).get("ours") for name in (f"loss_{GATHER_PAIRS}_two_ranks", "cpu_step_best"))
    row = row_of({"what": f"gather and loss at K = {GATHER_PAIRS:,} of a CPU step, two ranks", "unit": "% of a step"})
    if not loss or not step:
        return row | {"missing": "the loss or the step was not measured"}
    return row | {"ours": 100 * loss / (1e3 * GATHER_PAIRS / step)}


def judge(name, row):
    """Whether the targets are met; None where nothing was measured for one, or there is none."""
    verdicts = []
    for column, bound, value in TARGETS.get(name, ((), ""))[0]:
        measured = row.get(column)
        if measured is None:
            return None
        verdicts.append(measured >= value if bound == "least" else measured <= value)
    return all(verdicts) if verdicts else None


def merge(results):
    """results: (program, lines, failure). One table, each program's missing lines included."""
    rows = {}
    for program, lines, failure in results:
        for name in PROGRAMS[program]:
            if name not in lines:
                reason = failure or ("no GPU" if needs_gpu(name) else f"{program} did not measure it")
                lines = lines | {name: row_of({"what": program}, reason)}
        rows |= {name: row_of(line) for name, line in lines.items()}
    rows["gather"] = gather(rows)
    for name, row in rows.items():
        if name in TARGETS:
            row["target"], row["met"] = TARGETS[name][1], judge(name, row)
    return rows


def read_table(path, may_be_empty=False):
    """Throws ValueError naming the file where it is no table of these programs. One of a program may have no lines:
    those of a GPU where there is none."""
    def refuse(why):
        raise ValueError(f"{path}: no table of bench/run.sh: {why}")
    try:
        table = json.loads(pathlib.Path(path).read_text())
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        refuse(error)
    if not isinstance(table, dict) or not (table or may_be_empty):
        refuse("not an object with lines")
    for name, row in table.items():
        if not isinstance(row, dict) or "ours" not in row or not isinstance(row.get("unit"), str):
            refuse(f"'{name}' lacks ours or unit")
        for column in ("ours", "peer", "ratio"):
            value = row.get(column)
            if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float))
                                      or not math.isfinite(value)):
                refuse(f"'{name}': {column} is {value!r}")
    return table


def number(value):
    if value is None:
        return "-"
    return f"{value:,.3f}" if abs(value) < 100 else f"{value:,.1f}"


def show(ratio):
    return "-" if ratio is None else f"{ratio:.2f}x"


def print_lines(lines, left):
    """Columns as wide as their widest entry; numbers right, those named in `left` left."""
    widths = [max(map(len, column)) for column in zip(*lines)]
    for line in lines:
        cells = [text.ljust(width) if c in left else text.rjust(width)
                 for c, (text, width) in enumerate(zip(line, widths))]
        print("  ".join(cells).rstrip())


def print_table(rows):
    lines = [("", "ours", "peer", "unit", "ratio", "target", "met")]
    reasons = {}
    for name, row in rows.items():
        missing, ours, peer = row.get("missing"), number(row["ours"]), number(row["peer"])
        if missing:
            reasons.setdefault(missing, []).append(name)
            if row["ours"] is None:
                ours = "failed" if missing.startswith("failed") else "missing"
            else:
                peer = "missing"
        verdict = {True: "yes", False: "NO"}.get(row.get("met"), "-" if "target" in row else "")
        lines.append((name, ours, peer, row["unit"], show(row["ratio"]), row.get("target", ""), verdict))
    print_lines(lines, left=(0, 3, 5, 6))
    for reason, names in reasons.items():
        print(f"{', '.join(names)}: {reason}")


def run_all(arguments):
    options = ["--python", arguments.python] + (["--quick"] if arguments.quick else [])
    results = []
    for program in PROGRAMS:
        start = time.monotonic()
        lines, failure = run_program(arguments.bin.absolute() / program, options)
        results.append((program, lines, failure))
        print(f"{program}: {failure or 'done'}, {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)
    rows = merge(results)
    print_table(rows)
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=2) + "\n")
    return 1 if any(failure for _, _, failure in results) else 0


def compare(first, second):
    """The lines of both, and how many times better the second's ratios are."""
    lines = [("", "ours A", "ours B", "unit", "ratio A", "ratio B", "B / A")]
    for name in first | second:
        a, b = (row_of(table.get(name, {})) for table in (first, second))
        change = b["ratio"] / a["ratio"] if a["ratio"] and b["ratio"] else None
        lines.append((name, number(a["ours"]), number(b["ours"]), a["unit"] or b["unit"], show(a["ratio"]),
                      show(b["ratio"]), show(change)))
    print_lines(lines, left=(0, 3))


def default_bin():
    preset = os.environ.get("COCOLA_PRESET", "release")
    return pathlib.Path(os.environ.get("COCOLA_BIN", PROJECT / "build" / preset / "bin"))


def default_python():
    own = pathlib.Path(os.environ.get("COCOLA_VENV", PROJECT / ".venv")) / "bin/python3"
    return str(own) if own.exists() else "python3"


def main():
    parser = argparse.ArgumentParser(prog="bench/run.sh", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    parser.add_argument("--quick", action="store_true", help="fewer rounds and smaller sizes: minutes")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="where to save the table")
    parser.add_argument("--python", default=default_python(), metavar="PROGRAM",
                        help="interpreter with the peers' packages (default: .venv's, else python3)")
    parser.add_argument("--bin", type=pathlib.Path, default=default_bin(), metavar="DIR",
                        help="folder of the programs (default: build/release/bin; COCOLA_PRESET, COCOLA_BIN)")
    parser.add_argument("--compare", nargs=2, metavar=("A.json", "B.json"), help="print two saved tables side by side")
    arguments = parser.parse_args()
    if arguments.compare:
        if len(sys.argv) > 4:
            parser.error("--compare takes two tables and nothing else")
        try:
            compare(*map(read_table, arguments.compare))
        except ValueError as error:
            parser.error(str(error))
        return 0
    if arguments.json and not arguments.json.absolute().parent.is_dir():
        parser.error(f"{arguments.json.parent} is not there")
    if not arguments.bin.is_dir():
        parser.error(f"{arguments.bin} is not there; build the programs (see CONTRIBUTING.md) or name --bin")
    return run_all(arguments)


if __name__ == "__main__":
    sys.exit(main())
