"""The HPS front end as people compute it: librosa, on one core.

usage: frontend_peer.py WAVEFORM
WAVEFORM holds float32 samples at 16 kHz. The first line is answered with "ready", or with what is
missing; each further line with the processor seconds of one window: "transform hpss mel".
"""
import os
import sys
import time

for library in ("OMP", "OPENBLAS", "MKL", "NUMBA"):
    os.environ[library + "_NUM_THREADS"] = "1"
sys.stdin.readline()
try:
    import librosa
    import numpy as np
except ImportError as missing:
    print(missing, flush=True)
    sys.exit()
print("ready", flush=True)

waveform = np.fromfile(sys.argv[1], dtype=np.float32)
for _ in sys.stdin:
    times = [time.process_time()]
    spectrum = librosa.stft(waveform, n_fft=1024, win_length=400, hop_length=160)
    times.append(time.process_time())
    parts = librosa.decompose.hpss(spectrum)
    times.append(time.process_time())
    features = []
    for part in parts:
        power = librosa.feature.melspectrogram(S=np.abs(part) ** 2, sr=16000, n_mels=64, fmin=60,
                                               fmax=7800)
        features.append(librosa.power_to_db(power, ref=np.max))
    times.append(time.process_time())
    print(*np.diff(times), flush=True)
