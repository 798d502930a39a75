"""Random reads of precomputed pairs as people do them: gzip-compressed float32 through h5py.

usage: loader_peer.py SHARD COPY
Copies the features of SHARD, decoded to dB, into COPY: one chunk a pair, h5py's gzip defaults. The
first line is answered with "ready", or with what is missing; each further line "N SEED" with the
seconds that N random reads take.
"""
import sys
import time

sys.stdin.readline()
try:
    import h5py
    import numpy as np
except ImportError as missing:
    print(missing, flush=True)
    sys.exit()

shard_path, copy_path = sys.argv[1:]
with h5py.File(shard_path) as shard, h5py.File(copy_path, "w") as copy:
    values = shard["features/values"]
    scale, offset = values.attrs["scale"], values.attrs["offset"]
    pairs = copy.create_dataset("pairs", values.shape, "f4", chunks=(1, *values.shape[1:]),
                                compression="gzip")
    for row in range(len(values)):
        pairs[row] = offset + scale * values[row]
print("ready", flush=True)

with h5py.File(copy_path) as copy:
    pairs = copy["pairs"]
    for line in sys.stdin:
        count, seed = map(int, line.split())
        rows = np.random.default_rng(seed).integers(len(pairs), size=count)
        start = time.perf_counter()
        for row in rows:
            anchor, positive = pairs[row]
        print(time.perf_counter() - start, flush=True)
