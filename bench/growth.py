#!/usr/bin/env python3
"""How time and memory of each program grow when threads, ranks or data double.

    python3 bench/growth.py [--quick] [--json FILE] [--bin DIR]

Makes songs of noise, runs the programs on them at growing sizes and prints, for each line, wall and processor time,
the peak memory of the largest process, and both times and memory relative to the line before. Threads are counted by
what the processes may run on (affinity). Wants an idle machine with at least two cores; needs Python alone.
"""
import argparse
import dataclasses
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import wave

import table

RATE_HZ = 16000
WINDOW_SECONDS = 2
CONFIG = """
experiment: growth
data:
  datasets: [{{layout: folder, root: {root}, split: {{train: 0.5, valid: 0.2, test: 0.3}}}}]
  shards: {shards}
  window_seconds: {window}
  store: [stems, features]
  pairs_per_window: 2
  tracks_per_shard: 2
model: {{similarity_init: identity}}
training:
  pairs_per_step: 32
  pairs_per_group: 8
  threads_per_rank: 1
  device: cpu
  max_steps: 6
  recompute_statistics: 0
  validate_every_steps: 1000000
  log_every_steps: 1
evaluation: {{split: test, k: [2, 8]}}
"""


@dataclasses.dataclass
class Case:
    program: str
    what: str  # what grows
    size: int
    command: list
    env: dict = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class Figures:
    wall_s: float
    processor_s: float
    peak_mb: float


def write_stem(path, seconds):
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(os.urandom(2 * RATE_HZ * seconds))


def measure(case, folder):
    """Runs the case once; its time and that of all its processes. Throws RuntimeError with its last words."""
    start = time.monotonic()
    log = folder / "stderr.txt"
    with log.open("wb") as stderr:
        child = subprocess.Popen(case.command, env=os.environ | table.AS_ROOT | case.env, cwd=folder,
                                 stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stderr)
        _, status, usage = os.wait4(child.pid, 0)
    if status != 0:
        words = log.read_text(errors="replace").strip().splitlines() or ["no message"]
        raise RuntimeError(f"{' '.join(map(str, case.command))}: {words[-1]}")
    return Figures(time.monotonic() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def on_cores(count, command):
    return ["taskset", "-c", f"0-{count - 1}", *command]


def in_ranks(count, command):
    return ["mpirun", "-np", str(count), "--bind-to", "core", *command]


class Programs:
    """Commands on songs of several sizes, each in a folder of its own."""

    def __init__(self, folder, binaries, songs, seconds):
        self.folder, self.binaries, self.songs, self.seconds = folder, binaries, songs, seconds

    def config(self, times):
        """The configuration of `times` times the songs; makes them at the first call."""
        root = self.folder / f"songs{times}"
        path = self.folder / f"songs{times}.yaml"
        if not root.exists():
            for song in range(times * self.songs):
                for stem in ("bass", "drums", "vocals"):
                    write_stem(root / f"song{song:04}" / f"{stem}.wav", self.seconds)
            path.write_text(CONFIG.format(root=root, shards=self.folder / f"shards{times}", window=WINDOW_SECONDS))
        return path

    def preprocess(self, times, name):
        """Into shards of its own, so that nothing is found done."""
        return [self.binaries / "cocola_preprocess", "--config", self.config(times),
                "--set", f"data.shards={self.folder}/shards-{name}"]

    def train(self, times, name, *settings):
        command = [self.binaries / "cocola_ddp", "--config", self.config(times), "--set", f"experiment={name}"]
        for setting in settings:
            command += ["--set", setting]
        return command

    def model(self):
        """A barely trained model, for what only reads one."""
        path = self.folder / "runs/growth/model.safetensors"
        if not path.exists():
            measure(Case("", "", 0, self.train(1, "growth", "training.max_steps=1")), self.folder)
        return path

    def recording(self, name, times):
        path = self.folder / f"{name}{times}.wav"
        write_stem(path, times * self.seconds)
        return path


def list_cases(programs, sizes, cores):
    """In the order in which they run: shards are made before they are read."""
    doubled = [n for n in (1, 2, 4, 8) if n <= cores]
    for times in sizes:
        yield Case("cocola_preprocess", "songs, one thread", times, on_cores(1, programs.preprocess(times, f"d{times}")))
    for n in doubled:
        yield Case("cocola_preprocess", "threads", n, on_cores(n, programs.preprocess(1, f"t{n}")))
    for n in doubled:
        yield Case("cocola_preprocess", "ranks", n, in_ranks(n, programs.preprocess(1, f"r{n}")))
    for times in sizes:  # the shards that the others read
        measure(Case("", "", 0, [programs.binaries / "cocola_preprocess", "--config", programs.config(times)]),
                programs.folder)
    for times in sizes:
        yield Case("cocola_ddp", "songs", times, on_cores(1, programs.train(times, f"data{times}")))
    for times in sizes:
        yield Case("cocola_ddp", "pairs a step", 32 * times,
                   on_cores(1, programs.train(1, f"pairs{times}", f"training.pairs_per_step={32 * times}")))
    for times in sizes:
        yield Case("cocola_ddp", "pairs a step, 8 in memory", 32 * times, on_cores(1, programs.train(
            1, f"pieces{times}", f"training.pairs_per_step={32 * times}", "training.groups_in_memory=1")))
    for n in doubled:
        yield Case("cocola_ddp", "threads", n,
                   on_cores(n, programs.train(1, f"threads{n}", f"training.threads_per_rank={n}")))
    for n in doubled:
        yield Case("cocola_ddp", "ranks", n, in_ranks(n, programs.train(1, f"ranks{n}")))
    model = programs.model()
    for times in sizes:
        yield Case("cocola_eval", "songs", times, on_cores(1, [
            programs.binaries / "cocola_eval", "--config", programs.config(times), "--model", model]))
    for n in doubled:
        yield Case("cocola_eval", "threads", n, on_cores(n, [
            programs.binaries / "cocola_eval", "--config", programs.config(1), "--model", model]))
    score = [programs.binaries / "cocola_score", "--model", model]
    for times in sizes:
        pair = [programs.recording(name, times) for name in ("mix", "stem")]
        yield Case("cocola_score", "length", times, on_cores(1, [*score, *pair]))
    for n in doubled:
        pair = [programs.recording(name, sizes[-1]) for name in ("mix", "stem")]
        yield Case("cocola_score", f"threads, length {sizes[-1]}", n, on_cores(n, [*score, *pair]))


def run_cases(cases, folder):
    """A row for each case: its figures, and how many times those of the case before, if the same thing grew."""
    rows = []
    for case in cases:
        figures = measure(case, folder)
        before = rows[-1] if rows and (rows[-1]["program"], rows[-1]["grows"]) == (case.program, case.what) else None
        row = {"program": case.program, "grows": case.what, "size": case.size} | dataclasses.asdict(figures)
        for key in ("wall_s", "processor_s", "peak_mb"):
            row[key + "_growth"] = row[key] / before[key] if before else None
        rows.append(row)
        print(f"{case.program}, {case.what} {case.size}: {figures.wall_s:.1f} s", file=sys.stderr, flush=True)
    return rows


def print_rows(rows):
    lines = [("program", "what grows", "size", "wall", "", "processor", "", "peak memory", "")]
    for row in rows:
        cells = [row["program"], row["grows"], str(row["size"])]
        for key, unit in (("wall_s", "s"), ("processor_s", "s"), ("peak_mb", "MB")):
            digits = 0 if unit == "MB" else 2
            cells += [f"{row[key]:,.{digits}f} {unit}", table.show(row[key + "_growth"])]
        lines.append(tuple(cells))
    table.print_lines(lines, left=(0, 1))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
                                     allow_abbrev=False)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter songs: a minute or two")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="where to save the lines")
    parser.add_argument("--bin", type=pathlib.Path, default=table.default_bin(), metavar="DIR",
                        help="folder of the programs (default: build/release/bin; COCOLA_PRESET, COCOLA_BIN)")
    arguments = parser.parse_args()
    if arguments.json and not arguments.json.absolute().parent.is_dir():
        parser.error(f"{arguments.json.parent} is not there")
    if not (arguments.bin / "cocola_ddp").exists():
        parser.error(f"{arguments.bin} holds no programs; build them (see CONTRIBUTING.md) or name --bin")
    songs, seconds, sizes = (12, 30, (1, 2)) if arguments.quick else (16, 60, (1, 2, 4))
    with tempfile.TemporaryDirectory() as folder:
        programs = Programs(pathlib.Path(folder), arguments.bin.absolute(), songs, seconds)
        try:
            rows = run_cases(list_cases(programs, sizes, len(os.sched_getaffinity(0))), programs.folder)
        except (OSError, RuntimeError) as error:
            print(f"growth.py: {error}", file=sys.stderr)
            return 1
    print_rows(rows)
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
