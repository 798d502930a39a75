#!/usr/bin/env python3
"""Makes the reference arrays anew in a temporary folder and compares them with those beside it.

  check_golden.py [--full]

By default all but the encoders' arrays, which take minutes. Exit status 77: packages are missing.
"""
import os
import subprocess
import sys
import tempfile

try:
    import efficientnet_pytorch, librosa, soundfile, torchaudio  # noqa: E401, F401
    from safetensors.torch import load_file
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

QUICK = ["frontend", "median31", "resample", "loss", "adam"]
SLOW = ["encoder_hps", "encoder_mel"]
# Largest difference over largest value; README.md gives the same numbers for the C++ code.
TOLERANCES = {"frontend": 1e-5, "median31": 0.0, "resample": 1e-5, "loss": 1e-12, "adam": 1e-12,
              "encoder_hps": 1e-9, "encoder_mel": 1e-9}
# Decibels have a tolerance of their own, where they are above the floor.
DECIBELS, DECIBEL_TOLERANCE, FLOOR = ("hps", "mel"), 2e-3, -79


def error_of(name, found, expected):
    difference = (found.double() - expected.double()).abs()
    if name in DECIBELS:
        return float(difference[expected > FLOOR].max()), DECIBEL_TOLERANCE
    return float(difference.max() / expected.double().abs().max().clamp_min(1e-30)), None


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    names = QUICK + SLOW if "--full" in sys.argv[1:] else QUICK
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, f"{here}/make_golden.py", folder, "--from", here, "--only", *names],
                       check=True)
        for file in names:
            found, expected = (load_file(f"{place}/{file}.safetensors") for place in (folder, here))
            if set(found) != set(expected):
                sys.exit(f"{file}: other arrays: {sorted(set(found) ^ set(expected))}")
            for name in sorted(expected):
                error, tolerance = error_of(name, found[name], expected[name])
                if tolerance is None:
                    tolerance = TOLERANCES[file]
                if not error <= tolerance:
                    failed = True
                    print(f"{file} {name}: {error:.1e} is above {tolerance:.0e}")
            print(f"{file}: {len(expected)} arrays compared")
    sys.exit(1 if failed else 0)


main()
