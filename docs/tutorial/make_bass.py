#!/usr/bin/env python3
"""Makes the folders that docs/tutorial.md scores, from the songs that launch/demo.sh rendered.

Of each song of the test split that has a bass, the first minute: the mix without its bass (mix/), and five basses
under the same name. truth/ is the song's own. late/ is that bass 250 ms later, tape/ the same played 6 % too fast,
a semitone up: two generators with a known fault. random/ is the bass of the next song. stops/ is the song's own for
half a minute, then that of the next song.

Needs numpy and soundfile.
"""

import argparse
import pathlib

import numpy as np
import soundfile

SONGS = ["careless_perc_redfarn", "flying_scotsman", "freedoom1_D_E2M4", "freedoom1_D_E2M9", "freedoom2_D_DDTBLU",
         "freedoom2_D_DOOM2", "freedoom2_D_MESSAG", "freedoom2_D_RUNNIN", "freedoom2_D_STLKS2", "run_for_your_life"]
SECONDS = 60


def read(path: pathlib.Path) -> tuple[np.ndarray, int]:
    samples, rate = soundfile.read(path, dtype="float32")
    length = SECONDS * rate
    return np.pad(samples[:length], (0, max(0, length - len(samples)))), rate


def later(samples: np.ndarray, shift: int) -> np.ndarray:
    return np.concatenate([np.zeros(shift, samples.dtype), samples[:-shift]])


def faster(samples: np.ndarray, factor: float) -> np.ndarray:
    places = np.arange(len(samples)) * factor
    return np.interp(places, np.arange(len(samples)), samples, right=0).astype(samples.dtype)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stems", type=pathlib.Path, help="folder of rendered songs, such as .demo/stems")
    parser.add_argument("out", type=pathlib.Path, help="folder for mix/, truth/, late/, tape/, random/ and stops/")
    arguments = parser.parse_args()

    basses, mixes = [], []
    for song in SONGS:
        files = sorted((arguments.stems / song).glob("*.flac"))
        if not files:
            parser.error(f"{arguments.stems / song}: no stems; run launch/demo.sh first")
        bass = next(file for file in files if "_bass" in file.name)
        basses.append(read(bass)[0])
        mixes.append(sum(read(file)[0] for file in files if file != bass))
        rate = read(bass)[1]

    half = SECONDS // 2 * rate
    for index, song in enumerate(SONGS):
        own, other = basses[index], basses[(index + 1) % len(SONGS)]
        versions = {
            "mix": mixes[index],
            "truth": own,
            "late": later(own, rate // 4),
            "tape": faster(own, 2 ** (1 / 12)),
            "random": other,
            "stops": np.concatenate([own[:half], other[half:]]),
        }
        for folder, samples in versions.items():
            path = arguments.out / folder / f"{song}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, samples, rate, subtype="PCM_16")


if __name__ == "__main__":
    main()
