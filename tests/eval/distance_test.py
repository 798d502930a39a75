#!/usr/bin/env python3
"""Distances of `cocola_eval distance` beside NumPy's and SciPy's, and matrices as NumPy and h5py write them."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

try:
    import h5py
    import numpy as np
    import scipy.linalg
    import scipy.spatial.distance
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

PROGRAM = os.path.join(os.environ["COCOLA_BIN"], "cocola_eval")


MPIRUN = ["mpirun", "--oversubscribe", "--bind-to", "none", "--mca", "mpi_yield_when_idle", "1", "-np"]
ENVIRONMENT = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1", OMP_WAIT_POLICY="passive")


def run(*arguments, ranks=None, command="distance"):
    launcher = [] if ranks is None else MPIRUN + [str(ranks)]
    command = [*launcher, PROGRAM, command, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT)


def peak_bytes(*arguments):
    """The largest resident memory of the program, and what it printed."""
    with tempfile.TemporaryFile() as output:
        one_core = {min(os.sched_getaffinity(0))}  # threads have memory of their own
        process = subprocess.Popen(
            [PROGRAM, "distance", *map(str, arguments)],
            stdout=output,
            env=ENVIRONMENT,
            preexec_fn=lambda: os.sched_setaffinity(0, one_core),
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        return usage.ru_maxrss * 1024, json.loads(output.read())


def frechet(x, y):
    """By the general square root of the product of the covariances."""
    a, b = np.cov(x.T), np.cov(y.T)
    gap = x.mean(0) - y.mean(0)
    return gap @ gap + np.trace(a) + np.trace(b) - 2 * np.real(np.trace(scipy.linalg.sqrtm(a @ b)))


def frechet_of_few(x, y):
    """By the singular values of the product of the centred samples."""
    a, b = (v - v.mean(0) for v in (x, y))
    scale = np.sqrt((len(x) - 1) * (len(y) - 1))
    trace = np.linalg.svd(a @ b.T, compute_uv=False).sum() / scale
    gap = x.mean(0) - y.mean(0)
    return gap @ gap + (a**2).sum() / (len(x) - 1) + (b**2).sum() / (len(y) - 1) - 2 * trace


def kad(x, y, sigma):
    gamma = 1 / (2 * sigma**2 + 1e-8)

    def own(v):
        return 2 * np.exp(-gamma * scipy.spatial.distance.pdist(v) ** 2).sum() / (len(v) * (len(v) - 1))

    between = np.exp(-gamma * scipy.spatial.distance.cdist(x, y) ** 2).mean()
    return 100 * (own(x) + own(y) - 2 * between)


class Distance(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        random = np.random.default_rng(7)
        mixing = random.normal(size=(24, 24)) * np.logspace(-2, 0.3, 24)
        self.x = random.normal(size=(900, 24)) @ mixing + 3.0
        self.y = np.tanh(random.normal(size=(700, 24)) @ mixing) + 2.9

    def tearDown(self):
        self.directory.cleanup()

    def path(self, name):
        return os.path.join(self.directory.name, name)

    def save(self, name, matrix, version=None):
        with open(self.path(name), "wb") as file:
            np.lib.format.write_array(file, matrix, version=version)
        return self.path(name)

    def measure(self, *arguments, ranks=None):
        result = run(*arguments, "--json", ranks=ranks)
        self.assertEqual(result.returncode, 0, result.stderr)
        return json.loads(result.stdout)

    def test_values_are_those_of_scipy(self):
        found = self.measure(self.save("x.npy", self.x), self.save("y.npy", self.y))
        expected = frechet(self.x, self.y)
        self.assertAlmostEqual(found["frechet"]["value"] / expected, 1.0, delta=1e-9)
        sigma = np.median(scipy.spatial.distance.pdist(self.x))
        self.assertAlmostEqual(found["kad"]["sigma"], sigma, delta=1e-4 * sigma)
        expected = kad(self.x, self.y, found["kad"]["sigma"])
        self.assertAlmostEqual(found["kad"]["value"], expected, delta=1e-9 * abs(expected))
        self.assertLess(found["kad"]["low"], found["kad"]["value"])
        self.assertEqual((found["a"]["n"], found["a"]["d"], found["a"]["rank"]), (900, 24, 24))

    def test_sigma_of_the_evaluated_set_is_its_lower_middle_distance(self):
        found = self.measure(self.save("x.npy", self.x), self.save("y.npy", self.y), "--sigma-of", "B")
        distances = np.sort(scipy.spatial.distance.pdist(self.y))
        self.assertAlmostEqual(found["kad"]["sigma"], distances[(len(distances) - 1) // 2], delta=1e-9)

    def test_fad_infinity_is_the_intercept_of_its_points(self):
        found = self.measure(self.save("x.npy", self.x), self.save("y.npy", self.y))
        limit = found["frechet_infinity"]
        n = np.array([point["n"] for point in limit["points"]])
        values = np.array([point["frechet"] for point in limit["points"]])
        np.testing.assert_array_equal(n, np.linspace(500, 700, 25).astype(int))
        slope, intercept = np.polyfit(1 / n, values, 1)
        self.assertAlmostEqual(limit["value"] / intercept, 1.0, delta=1e-9)
        self.assertAlmostEqual(limit["slope"] / slope, 1.0, delta=1e-9)
        self.assertAlmostEqual(values[-1] / found["frechet"]["value"], 1.0, delta=1e-9)
        # Draws of our own: the same law, other samples.
        random = np.random.default_rng(1)
        own = [frechet(self.x, self.y[random.permutation(700)[:size]]) for size in n[:8]]
        spread = np.std(own) + np.std(values[:8])
        self.assertLess(abs(np.mean(own) - values[:8].mean()), 2 * spread)

    def test_fewer_samples_than_dimensions_are_exact_and_noted(self):
        few = self.y[:10]
        found = self.measure(self.save("x.npy", self.x), self.save("few.npy", few))
        self.assertAlmostEqual(found["frechet"]["value"] / frechet_of_few(self.x, few), 1.0, delta=1e-9)
        self.assertEqual(found["b"]["rank"], np.linalg.matrix_rank(few - few.mean(0)))
        self.assertIsNone(found["frechet_infinity"])
        self.assertTrue(any("rank 9" in note for note in found["notes"]))

    def test_every_way_of_storing_a_matrix_is_read(self):
        reference = self.save("x.npy", self.x)
        for kind in ("f2", "f4", "f8"):
            stored = self.y.astype(kind)
            expected = frechet(self.x, stored.astype("f8"))
            version = {"f2": 1, "f4": 2, "f8": 3}[kind]
            paths = [self.save(f"{kind}.npy", stored, (version, 0))]
            paths.append(self.save(f"{kind}-fortran.npy", np.asfortranarray(stored)))
            with h5py.File(self.path(f"{kind}.h5"), "w") as file:
                file.create_dataset("set/packed", data=stored.astype(f">{kind}"), compression="gzip")
            paths.append(self.path(f"{kind}.h5:/set/packed"))
            for path in paths:
                found = self.measure(reference, path)["frechet"]["value"]
                self.assertAlmostEqual(found / expected, 1.0, delta=1e-9, msg=path)

    def test_files_of_a_folder_are_measured_alone_and_together(self):
        os.makedirs(self.path("songs/deep"))
        parts = {"a.npy": self.y[:300], "b.npy": self.y[300:301], "deep/c.npy": self.y[301:] + 0.5}
        for name, part in parts.items():
            self.save(f"songs/{name}", part)
        found = self.measure(self.save("x.npy", self.x), self.path("songs"))
        together = np.concatenate([parts[name] for name in sorted(parts)])
        self.assertAlmostEqual(found["frechet"]["value"] / frechet(self.x, together), 1.0, delta=1e-9)
        self.assertEqual(found["b"]["files"], 3)
        self.assertEqual([row["file"] for row in found["files"]], ["a.npy", "deep/c.npy", "b.npy"])
        self.assertIsNone(found["files"][2]["frechet"])
        for row in found["files"][:2]:
            expected = frechet(self.x, parts[row["file"]])
            self.assertAlmostEqual(row["frechet"] / expected, 1.0, delta=1e-9)

    def save_large(self):
        """Matrices of several parts in every kind of file, and a folder of more files than ranks."""
        random = np.random.default_rng(9)
        large = (random.normal(size=(20000, 24)) @ random.normal(size=(24, 24)) + 1.0).astype("f4")
        paths = [self.save("large.npy", large), self.save("fortran.npy", np.asfortranarray(large))]
        with h5py.File(self.path("large.h5"), "w") as file:
            file.create_dataset("packed", data=large, compression="gzip", chunks=(3000, 24))
        paths.append(self.path("large.h5:/packed"))
        os.makedirs(self.path("parts/deep"))
        sizes = [9000, 1, 3000, 500, 2, 7497]
        names = ["a.npy", "b.npy", "c.npy", "deep/d.npy", "deep/e.npy", "f.npy"]
        ends = np.cumsum(sizes)
        for name, end, size in zip(names, ends, sizes):
            self.save(f"parts/{name}", large[end - size : end])
        paths.append(self.path("parts"))
        return large.astype("f8"), paths

    def test_frechet_only_is_scipys_for_every_kind_of_set(self):
        large, paths = self.save_large()
        reference = self.save("x.npy", self.x)
        expected = frechet(self.x, large)
        for path in paths:
            for a, b, n in ((reference, path, "b"), (path, reference, "a")):
                found = self.measure(a, b, "--frechet-only")
                self.assertAlmostEqual(found["frechet"]["value"] / expected, 1.0, delta=1e-9, msg=path)
                self.assertEqual((found[n]["n"], found[n]["rank"]), (20000, 24))
                self.assertIsNone(found["frechet_infinity"])
                self.assertIsNone(found["kad"])
                self.assertTrue(any("--frechet-only" in note for note in found["notes"]))
        for row in self.measure(reference, paths[-1], "--frechet-only")["files"][:-1]:
            part = np.load(os.path.join(paths[-1], row["file"])).astype("f8")
            self.assertAlmostEqual(row["frechet"] / frechet_of_few(self.x, part), 1.0, delta=1e-9)

    def assert_same(self, found, expected, where=""):
        """Equal in structure, and in numbers to 1e-9."""
        if isinstance(expected, dict):
            self.assertEqual(list(found), list(expected), where)
            for key in expected:
                self.assert_same(found[key], expected[key], f"{where}.{key}")
        elif isinstance(expected, list):
            self.assertEqual(len(found), len(expected), where)
            for i, value in enumerate(expected):
                self.assert_same(found[i], value, f"{where}[{i}]")
        elif isinstance(expected, float):
            self.assertAlmostEqual(found, expected, delta=1e-9 * abs(expected), msg=where)
        else:
            self.assertEqual(found, expected, where)

    @unittest.skipUnless(shutil.which("mpirun"), "no mpirun")
    def test_ranks_measure_what_one_process_measures(self):
        large, paths = self.save_large()
        reference = self.save("x.npy", self.x)
        two_parts = self.save("two_parts.npy", large[:8200])
        os.makedirs(self.path("songs"))
        for i, end in enumerate((200, 201, 450, 700)):
            self.save(f"songs/{i}.npy", self.y[[0, 200, 201, 450][i] : end])
        for a, b, option, counts in (
            (two_parts, self.path("songs"), [], (1, 2, 4)),
            (reference, paths[-1], ["--frechet-only"], (1, 2, 4)),
            (reference, paths[0], ["--frechet-only"], (2,)),
        ):
            alone = self.measure(a, b, *option)
            for ranks in counts:
                self.assert_same(self.measure(a, b, *option, ranks=ranks), alone)

    @unittest.skipUnless(shutil.which("mpirun"), "no mpirun")
    def test_ranks_refuse_with_one_message(self):
        _, paths = self.save_large()
        reference = self.save("x.npy", self.x)
        holed = np.load(os.path.join(paths[-1], "c.npy"))
        holed[2999, 5] = np.inf
        self.save("parts/c.npy", holed)
        many = np.concatenate([holed] * 5)
        many[:8999, 5] = many[9000:, 5] = 0
        self.save("many.npy", many)
        one = self.save("one.npy", self.x[:1])
        for arguments, status, words in (
            ([reference, paths[-1]], 1, ["c.npy", "row 2999"]),
            ([reference, paths[-1], "--frechet-only"], 1, ["c.npy", "row 2999"]),
            ([self.path("many.npy"), reference, "--frechet-only"], 1, ["many.npy", "row 8999"]),
            ([reference, self.path("nowhere")], 1, ["nowhere"]),
            ([reference], 2, ["two are needed"]),
            ([one, reference, "--frechet-only"], 1, ["one.npy", "2 or more"]),
        ):
            result = run(*arguments, ranks=3)
            self.assertEqual((result.returncode, result.stdout), (status, ""), result.stderr)
            self.assertEqual(result.stderr.count("error: "), 1, result.stderr)
            for word in words:
                self.assertIn(word, result.stderr)

    @unittest.skipUnless(shutil.which("mpirun"), "no mpirun")
    def test_help_is_printed_once_and_other_commands_run_alone(self):
        self.assertEqual(run("--help", ranks=3).stdout, run("--help").stdout)
        for command in ("accuracy", "report"):
            result = run("--help", ranks=2, command=command)
            self.assertEqual((result.returncode, result.stdout), (2, ""), result.stderr)
            self.assertEqual(result.stderr.count(f"{command} runs alone"), 1, result.stderr)
        result = run(ranks=2, command="--help")
        self.assertEqual((result.returncode, result.stdout), (2, ""), result.stderr)
        self.assertEqual(run("--help", ranks=1, command="report").stdout, run("--help", command="report").stdout)

    def test_frechet_only_takes_no_memory_for_the_rows(self):
        small = self.save("small.npy", np.ones((8192, 256), "f4"))
        large = self.path("large.npy")
        rows = 1 << 17  # 256 MiB as float64
        with open(large, "wb") as file:
            np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": (rows, 256)})
            file.truncate(file.tell() + rows * 256 * 4)
            file.seek(-4, os.SEEK_END)
            file.write(np.array([8.0], "f4").tobytes())
        before, _ = peak_bytes(small, small, "--frechet-only", "--json")
        after, found = peak_bytes(small, large, "--frechet-only", "--json")
        self.assertEqual((found["b"]["n"], found["b"]["rank"]), (rows, 1))
        self.assertLess(after - before, 64 << 20)

    def test_equal_sets_are_at_zero(self):
        path = self.save("x.npy", self.x)
        self.assertLess(self.measure(path, path)["frechet"]["value"], 1e-24)

    def test_constant_sets_have_a_distance_but_no_kernel(self):
        found = self.measure(self.save("a.npy", np.full((600, 3), 0.1)), self.save("b.npy", np.full((600, 3), 1.1)))
        self.assertAlmostEqual(found["frechet"]["value"], 3.0, delta=1e-12)
        self.assertEqual((found["a"]["rank"], found["kad"]), (0, None))
        self.assertTrue(any("median distance" in note for note in found["notes"]))

    def refused(self, bad, *words, options=()):
        result = run(self.save("reference.npy", self.x), bad, *options)
        if not options:
            streamed = run(self.path("reference.npy"), bad, "--frechet-only")
            self.assertEqual((streamed.returncode, streamed.stderr), (result.returncode, result.stderr))
        self.assertIn(result.returncode, (1, 2))
        self.assertEqual(result.stdout, "")
        self.assertEqual(result.stderr.count("\n"), 1, result.stderr)
        for word in words:
            self.assertIn(word, result.stderr)

    def test_what_has_no_distance_is_refused_in_words(self):
        self.refused(self.save("one.npy", self.y[:1]), "one.npy", "2 or more")
        self.refused(self.save("none.npy", self.y[:0]), "none.npy", "0 rows")
        self.refused(self.save("narrow.npy", self.y[:, :5]), "narrow.npy", "24", "5")
        self.refused(self.save("flat.npy", self.y[0]), "flat.npy", "1 dimensions")
        holed = self.y.copy()
        holed[13, 2] = np.nan
        holed[500, 0] = np.inf
        self.refused(self.save("holed.npy", holed), "holed.npy", "row 13", "2 of 700")
        self.refused(self.save("huge.npy", self.y * 1e200), "too large")
        self.refused(self.save("y.npy", self.y), "context", options=("--context", self.directory.name))
        self.refused(self.path("nowhere"), "nowhere", "no such")
        os.makedirs(self.path("empty"))
        self.refused(self.path("empty"), "empty", "neither audio nor .npy")
        os.makedirs(self.path("mixed"))
        self.save("mixed/a.npy", self.y)
        open(self.path("mixed/b.wav"), "w").close()
        self.refused(self.path("mixed"), "mixed", "both")

    def test_objects_and_other_types_are_refused(self):
        np.save(self.path("object.npy"), np.array([[1, None], [2, 3]], dtype=object), allow_pickle=True)
        self.refused(self.path("object.npy"), "object.npy", "'|O'")
        with h5py.File(self.path("bad.h5"), "w") as file:
            file["integers"] = np.ones((5, 24), int)
            file["cube"] = np.ones((5, 24, 2))
            file.create_dataset("absent", (1 << 40, 24), "f4")
            file.create_dataset("hollow", (1 << 40, 0), "f4")
        for name in ("integers", "cube", "absent", "hollow", "missing"):
            self.refused(self.path(f"bad.h5:/{name}"), "bad.h5")


if __name__ == "__main__":
    unittest.main()
