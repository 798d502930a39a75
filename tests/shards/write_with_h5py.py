"""Writes the shard of example_shard.h with h5py, once in each layout or with each fault that is named.

usage: write_with_h5py.py DIRECTORY SETTINGS_JSON VARIANT...
Each becomes DIRECTORY/VARIANT.h5.
"""
import os
import sys

import h5py
import numpy as np

names = np.array(["one".encode(), "zw\u00f6lf".encode()])
stem_names = np.array([b"bass", b"drums", b"a", b"b", b"c"])
num_stems, num_samples = [2, 3], [150, 220]
audio = np.concatenate([10000 * t + 1000 * s + np.arange(num_samples[t]) - 15000
                        for t in range(2) for s in range(num_stems[t])]).astype("<i2")
w, p, view, at = np.ix_(range(3), range(2), range(2), range(30))
values = (997 * w + 401 * p + 211 * view + 7 * at).astype("<u2").reshape(6, 2, 2, 3, 5)


def utf8(strings):
    return strings.astype(h5py.string_dtype("utf-8", max(len(s) for s in strings)))


def write(path, settings, variant):
    data = {
        "tracks/name": utf8(names),
        "tracks/num_stems": np.array(num_stems, "<i4"),
        "tracks/stem_names": utf8(stem_names),
        "tracks/first_value": np.array([0, 300], "<u8"),
        "tracks/num_samples": np.array(num_samples),
        "tracks/gain": np.array([0.5, 0.25], "<f8"),
        "windows/track": np.array([0, 1, 1], "<u2"),
        "windows/start_sample": np.array([50, 0, 120], ">i8"),
        "windows/audible": np.array([[1, 1, 0], [1, 0, 1], [1, 1, 1]], "u1"),
        "stems/audio": audio,
        "features/values": values,
    }
    options = {"stems/audio": {}, "features/values": {}}
    attributes = {"magic": np.bytes_("cocola-shard"), "format_version": 1, "split": np.bytes_("train"),
                  "settings": np.bytes_(settings), "provenance": np.bytes_("{}")}
    encoding = {"scale": 80.0 / 65535.0, "offset": -80.0}
    user_block = 0

    if variant == "gzip":
        options = {"stems/audio": dict(chunks=(64,), compression="gzip", shuffle=True),
                   "features/values": dict(chunks=(1, 2, 2, 3, 5), compression="gzip", fletcher32=True)}
    elif variant == "chunked":
        options = {"stems/audio": dict(chunks=(64,)), "features/values": dict(chunks=(4, 1, 2, 3, 2))}
    elif variant == "big_endian":
        data["stems/audio"], data["features/values"] = audio.astype(">i2"), values.astype(">u2")
    elif variant == "user_block":
        user_block = 1024
    elif variant == "lzf":
        options["stems/audio"] = dict(chunks=(64,), compression="lzf")
    elif variant == "float_audio":
        data["stems/audio"] = audio.astype("<f4")
    elif variant == "wide_audio":
        data["stems/audio"] = audio.astype("<i4")
    elif variant == "signed_features":
        data["features/values"] = values.astype("<i2")
    elif variant == "short_features":
        data["features/values"] = values[:5]
    elif variant == "short_audio":
        data["stems/audio"] = audio[:-1]
    elif variant == "loose_strings":
        data["tracks/name"] = np.array(["one", "two"], dtype=h5py.string_dtype())
    elif variant == "loose_attribute":
        attributes["split"] = "train"
    elif variant == "wrong_magic":
        attributes["magic"] = np.bytes_("other")
    elif variant == "later_version":
        attributes["format_version"] = 2
    elif variant == "no_scale":
        del encoding["scale"]
    elif variant == "infinite_scale":
        encoding["scale"] = np.inf
    elif variant == "missing_table":
        del data["windows/start_sample"]
    elif variant == "huge_table":
        data["windows/audible"] = None
    elif variant == "foreign_track":
        data["windows/track"] = np.array([0, 1, 2])
    elif variant == "too_many_stems":
        data["tracks/num_stems"] = np.array([2, 2**62])
    elif variant == "flag_beyond_stems":
        data["windows/audible"][0, 2] = 1

    with h5py.File(path, "w", userblock_size=user_block) as f:
        for name, value in attributes.items():
            f.attrs[name] = value
        for name, value in data.items():
            if value is None:
                f.create_dataset(name, (3, 2**40), "u1", chunks=(1, 1024), compression="gzip")
            elif name in options:
                f.create_dataset(name, data=value, **options[name])
            else:
                f[name] = value
        for name, value in encoding.items():
            f["features/values"].attrs[name] = value

        if variant == "external_link":
            with h5py.File(path + ".other", "w") as other:
                other["audio"] = audio
            del f["stems/audio"]
            f["stems/audio"] = h5py.ExternalLink(os.path.basename(path) + ".other", "/audio")
        elif variant == "soft_link":
            f.move("stems", "elsewhere")
            f["stems"] = h5py.SoftLink("/elsewhere")
        elif variant == "external_storage":
            del f["stems/audio"]
            f.create_dataset("stems/audio", data=audio, external=[(path + ".raw", 0, audio.nbytes)])
        elif variant == "virtual":
            f.move("stems/audio", "real")
            layout = h5py.VirtualLayout(audio.shape, audio.dtype)
            layout[:] = h5py.VirtualSource(".", "/real", audio.shape)
            f.create_virtual_dataset("stems/audio", layout)
        elif variant == "committed_type":
            f["type"] = audio.dtype
            del f["stems/audio"]
            f.create_dataset("stems/audio", data=audio, dtype=f["type"])
        elif variant in ("never_written", "never_written_chunks", "one_chunk"):
            del f["stems/audio"]
            chunks = None if variant == "never_written" else (1024,)
            f.create_dataset("stems/audio", (2**20 if chunks is None else 2**58,), "<i2", chunks=chunks)
            if variant == "one_chunk":
                f["stems/audio"][:1024] = 1
        elif variant == "group_for_dataset":
            del f["stems/audio"]
            f.create_group("stems/audio")


for name_of_variant in sys.argv[3:]:
    write(os.path.join(sys.argv[1], name_of_variant + ".h5"), sys.argv[2], name_of_variant)
