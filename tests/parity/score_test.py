#!/usr/bin/env python3
"""From two audio files to one score: public packages beside our programs."""
import json
import os
import tempfile
import unittest

import published
from published import np, soundfile, torch
from safetensors.torch import load_file, save_file

RELATIVE = 1e-4
SECONDS = 8


def write_music(path, rate, channels, seed):
    """Chords, hits and hiss: both parts of the separation have something to do."""
    rng = np.random.default_rng(seed)
    t = np.arange(SECONDS * rate) / rate
    tones = sum(0.1 * np.sin(2 * np.pi * f * t) for f in rng.uniform(80, 3000, 6))
    hits = 0.5 * rng.standard_normal(len(t)) * np.exp(-30 * (t % (0.25 + 0.05 * seed)))
    music = 0.4 * tones + hits * 0.3 + 0.01 * rng.standard_normal(len(t))
    stereo = np.stack([music, 0.7 * np.roll(music, 37)], 1)[:, :channels]
    soundfile.write(path, np.clip(stereo, -1, 1), rate, subtype="PCM_16")


class Score(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.mix = os.path.join(cls.folder.name, "mix.wav")
        cls.stem = os.path.join(cls.folder.name, "stem.flac")
        write_music(cls.mix, 44100, 2, 1)
        write_music(cls.stem, 16000, 1, 2)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def expect_close(self, found, expected, what):
        difference = abs(found - expected) / abs(expected)
        print(f"{what}: {found:.6f}, reference {expected:.6f}, difference {difference:.1e}")
        self.assertLessEqual(difference, RELATIVE, what)

    def expect_equal_scores(self, model, checked, channels, kind):
        """checked: the rebuilt network; model: the file that cocola_score reads."""
        x, y = (published.features(path, channels) for path in (self.mix, self.stem))
        report = published.run("cocola_score", "--model", model, "--json", self.mix, self.stem)
        row = json.loads(report)["scores"][0]
        self.assertEqual(row["windows"], len(x))
        hidden = {"both": None, "harmonic": 1, "percussive": 0} if channels == 2 else {"both": None}
        for mode, channel in hidden.items():
            self.expect_close(row[mode], published.score(checked, x, y, channel), f"{kind} {mode}")
        self.expect_equal_embeddings(model, checked, x, kind)

    def expect_equal_embeddings(self, model, checked, x, kind):
        save_file({"features": x.contiguous()}, self.path("features.safetensors"))
        published.run("parity_model", "embed", model, self.path("features.safetensors"),
                      self.path("embedding.safetensors"))
        found = load_file(self.path("embedding.safetensors"))["embedding"]
        with torch.no_grad():
            expected = checked(x)
        difference = float((found - expected).abs().max() / expected.abs().max())
        print(f"{kind} embedding: relative difference {difference:.1e}")
        self.assertLessEqual(difference, RELATIVE)

    def test_our_model_as_a_checkpoint_scores_alike_in_the_rebuilt_network(self):
        for kind, channels in (("hps", 2), ("mel", 1)):
            model, checkpoint = self.path(f"{kind}.safetensors"), self.path(f"{kind}.ckpt")
            published.run("parity_model", "write", model, kind, 7)
            published.convert("--to-original", model, checkpoint)
            self.expect_equal_scores(model, published.load_model(checkpoint, channels), channels,
                                     f"ours as checkpoint, {kind}")

    def test_a_checkpoint_as_our_model_scores_alike_in_our_program(self):
        for kind, channels in (("hps", 2), ("mel", 1)):
            model, checkpoint = self.path(f"b_{kind}.safetensors"), self.path(f"b_{kind}.ckpt")
            original = published.random_model(channels, 11)
            torch.save({"state_dict": original.state_dict(), "global_step": 5}, checkpoint)
            published.convert(checkpoint, model)
            self.expect_equal_scores(model, original, channels, f"checkpoint as ours, {kind}")


if __name__ == "__main__":
    unittest.main()
