"""Preprocessing as people write it: librosa and gzip HDF5, on one core.

usage: preprocess_peer.py TRACK OUT
TRACK holds stems as wav files. Every 5 s window with half a window of overlap becomes one pair of
sub-mixes with HPS features. The first line is answered with "ready", or with what is missing; the
next with "minutes megabytes": processor minutes and peak memory of the work.
"""
import os
import pathlib
import random
import resource
import sys
import time

for library in ("OMP", "OPENBLAS", "MKL", "NUMBA"):
    os.environ[library + "_NUM_THREADS"] = "1"
sys.stdin.readline()
try:
    import h5py
    import librosa
    import numpy as np
    import soxr  # noqa: F401  librosa's resampler
except ImportError as missing:
    print(missing, flush=True)
    sys.exit()
print("ready", flush=True)


def features_of(waveform):
    spectrum = librosa.stft(waveform, n_fft=1024, win_length=400, hop_length=160)
    bands = []
    for part in librosa.decompose.hpss(spectrum):
        power = librosa.feature.melspectrogram(S=np.abs(part) ** 2, sr=16000, n_mels=64, fmin=60,
                                               fmax=7800)
        bands.append(librosa.power_to_db(power, ref=np.max))
    return np.stack(bands).astype(np.float32)


sys.stdin.readline()
start = time.process_time()
stems = [librosa.load(path, sr=16000, mono=True)[0] for path in sorted(pathlib.Path(sys.argv[1]).iterdir())]
windows = range(0, len(stems[0]) - 80000 + 1, 40000)
with h5py.File(sys.argv[2], "w") as out:
    out.create_dataset("audio", data=np.stack(stems), compression="gzip")
    pairs = out.create_dataset("pairs", (len(windows), 2, 2, 64, 501), np.float32, chunks=(1, 2, 2, 64, 501),
                               compression="gzip")
    for row, first in enumerate(windows):
        order = random.sample(range(len(stems)), len(stems))
        for view, chosen in enumerate((order[:2], order[2:])):
            pairs[row, view] = features_of(sum(stems[i][first:first + 80000] for i in chosen))
minutes = (time.process_time() - start) / 60
print(minutes, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, flush=True)
