"""The published model from public packages: audio files in, score out. Skips what imports it
where a package is missing."""
import functools
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
PROJECT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [os.path.join(PROJECT, "tests/golden"), os.path.join(PROJECT, "eval")]
try:
    import numpy as np
    import soundfile
    import torch
    import torchaudio
    import make_golden
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

CONVERTER = os.path.join(PROJECT, "eval/convert_checkpoint.py")
BIN = os.environ.get("COCOLA_BIN", "build/release/bin")
RATE, WINDOW, HOP = 16000, 80000, 40000


def run(program, *arguments):
    """Standard output of one of our programs."""
    result = subprocess.run([os.path.join(BIN, program), *map(str, arguments)],
                            capture_output=True, text=True)
    if result.returncode != 0:
        raise RuntimeError(f"{program}: {result.stderr}")
    return result.stdout


def convert(*arguments):
    subprocess.run([sys.executable, CONVERTER, *map(str, arguments)], check=True)


def random_model(channels, salt):
    model = make_golden.Encoder(channels).eval()
    with torch.no_grad():
        make_golden.fill(model, salt)
    return model


def load_model(checkpoint, channels):
    """As the authors' module would: every name must fit."""
    model = make_golden.Encoder(channels).eval()
    model.load_state_dict(torch.load(checkpoint, weights_only=True)["state_dict"], strict=True)
    return model


def read_windows(path):
    """[windows, samples] at 16 kHz: channels averaged, resampled, cut every half window."""
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    mono = torch.from_numpy(samples).mean(1)
    mono = torchaudio.functional.resample(mono, rate, RATE).numpy()
    starts = list(range(0, len(mono) - WINDOW + 1, HOP))
    if starts[-1] + WINDOW < len(mono):
        starts.append(len(mono) - WINDOW)
    return np.stack([mono[start:start + WINDOW] for start in starts])


@functools.lru_cache(None)
def features(path, channels):
    extract = make_golden.hps if channels == 2 else make_golden.mel
    return torch.from_numpy(np.stack([extract(window) for window in read_windows(path)])).float()


def hide(x, channel):
    y = x.clone()
    if channel is not None:
        y[:, channel] = 0.0
    return y


@torch.no_grad()
def score(model, x, y, hidden=None):
    """Mean over windows; hidden: the channel that is masked in both."""
    left, right = (model(hide(z, hidden)) for z in (x, y))
    return float(((left @ model.similarity.w) * right).sum(1).double().mean())
