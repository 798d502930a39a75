"""Starting cold as people do it in Python.

usage: startup_peer.py score MODEL A B
       startup_peer.py index SHARDS
score: prints {"scores": [{"both", "harmonic", "percussive"}]} of two audio files with a model file, from the published
network and front end made of public packages, or ends with status 77 and what is missing. index: the first line is
answered with "ready", or with what is missing; each further line with the seconds that it takes to read the tables of
all shards through h5py.
"""
import json
import os
import pathlib
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../tests/parity"))
TABLES = ("name", "num_stems", "stem_names", "first_value", "num_samples", "gain")


def score(model_path, *files):
    import published  # ends with 77 where a package is missing
    from safetensors.torch import load_file
    model = published.make_golden.Encoder(2).eval()
    model.load_state_dict(load_file(model_path), strict=False)
    both = [published.features(path, 2) for path in files]
    hidden = {"both": None, "harmonic": 1, "percussive": 0}
    print(json.dumps({"scores": [{name: published.score(model, *both, channel) for name, channel in hidden.items()}]}))


def index(folder):
    sys.stdin.readline()
    try:
        import h5py
    except ImportError as missing:
        print(missing, flush=True)
        return
    print("ready", flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        manifest = json.loads((folder / "manifest.json").read_text())
        opened = []
        for entry in manifest["shards"]:
            with h5py.File(folder / entry["file"]) as shard:
                tracks = [shard["tracks"][name][:] for name in TABLES]
                windows = [shard["windows"][name][:] for name in ("track", "start_sample", "audible")]
                opened.append((tracks, windows))
        print(time.perf_counter() - start, flush=True)


if sys.argv[1] == "score":
    score(*sys.argv[2:])
else:
    index(pathlib.Path(sys.argv[2]))
