"""Laws of bench/scaling_model.py: what a prediction must obey whatever the parts."""
import dataclasses
import importlib.util
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "bench" / "scaling_model.py"
spec = importlib.util.spec_from_file_location("scaling_model", SCRIPT)
model = importlib.util.module_from_spec(spec)
sys.modules["scaling_model"] = model  # dataclasses look their module up
spec.loader.exec_module(model)

PARTS = json.loads((SCRIPT.parent / "scaling_parts.json").read_text())
NETWORK = model.Network(**PARTS["network"])
FABRICS = [model.Fabric(**fabric) for fabric in PARTS["fabrics"]]


def run(*arguments):
    return subprocess.run([sys.executable, SCRIPT, *arguments], capture_output=True, text=True)


class ScalingModel(unittest.TestCase):
    def test_one_rank_loses_nothing(self):
        for fabric in FABRICS:
            alone = model.predict(NETWORK, fabric, 1, 32, 2000)
            self.assertEqual((alone.gather_ms, alone.reduce_ms), (0, 0))
            self.assertAlmostEqual(alone.efficiency, 1.0, places=12)

    def test_more_ranks_never_gain_efficiency_and_overlap_never_loses(self):
        for fabric in FABRICS:
            lines = [model.predict(NETWORK, fabric, n, 32, 2000) for n in model.WORLDS]
            for fewer, more in zip(lines, lines[1:]):
                self.assertLess(more.efficiency, fewer.efficiency)
            for line in lines:
                self.assertGreaterEqual(line.efficiency_overlapped, line.efficiency)

    def test_the_sum_of_gradients_takes_what_arithmetic_says(self):
        # A ring moves 2 * 7/8 of 20 MB at 100 GB/s: 0.35 ms, after 0.5 ms of latency.
        fabric = model.Fabric("by hand", 8, 100e9, 0.5, 1e9, 1.0)
        network = model.Network(512, 20_000_000, 1e30)
        self.assertAlmostEqual(model.predict(network, fabric, 8, 32, 2000).reduce_ms, 0.85, places=9)

    def test_the_gather_takes_what_arithmetic_says(self):
        # Two views of 64 pairs of 512 floats, and four numbers a pair: 263,168 bytes, half of them from the other.
        fabric = model.Fabric("by hand", 8, 1e9, 0.25, 1e9, 1.0)
        expected = 2 * 0.25 + 1e3 * 0.5 * 263_168 / 1e9
        self.assertAlmostEqual(model.predict(NETWORK, fabric, 2, 32, 2000).gather_ms, expected, places=9)

    def test_a_free_network_leaves_only_the_loss_of_the_larger_step(self):
        free = model.Fabric("free", 8, 1e30, 0.0, 1e30, 0.0)
        quick = dataclasses.replace(NETWORK, loss_flops_per_second=1e30)
        self.assertAlmostEqual(model.predict(quick, free, 512, 32, 2000).efficiency, 1.0, places=9)
        self.assertLess(model.predict(NETWORK, free, 512, 32, 2000).efficiency, 1.0)

    def test_leaving_the_node_costs(self):
        for fabric in FABRICS:
            inside = model.predict(NETWORK, dataclasses.replace(fabric, gpus_per_node=64), 64, 32, 2000)
            across = model.predict(NETWORK, dataclasses.replace(fabric, gpus_per_node=8), 64, 32, 2000)
            self.assertLess(across.efficiency, inside.efficiency)

    def test_a_log_gives_the_rate_of_one_rank_although_its_last_line_is_cut(self):
        with tempfile.TemporaryDirectory() as folder:
            log = pathlib.Path(folder) / "log.jsonl"
            rows = [{"kind": "train", "step": s, "pairs_per_second": 800.0} for s in range(10)]
            rows.append({"kind": "valid", "step": 10, "loss": 1.0})
            log.write_text("\n".join(map(json.dumps, rows)) + '\n{"kind": "tr')
            table = pathlib.Path(folder) / "table.json"
            result = run("--log", str(log), "--ranks", "4", "--json", str(table))
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertEqual(json.loads(table.read_text())["pairs_per_second"], 200.0)

    def test_wrong_arguments_are_named(self):
        for arguments, word in ((["--fabric", "string"], "nvlink_infiniband"), (["--log", "/nowhere"], "/nowhere"),
                                (["--pairs-per-second", "-1"], "-1"), (["--pairs-per-rank", "0"], "0"),
                                (["--parts", "/nowhere"], "/nowhere")):
            result = run(*arguments)
            self.assertNotEqual(result.returncode, 0)
            self.assertIn(word, result.stderr)
            self.assertNotIn("Traceback", result.stderr)


if __name__ == "__main__":
    unittest.main()
