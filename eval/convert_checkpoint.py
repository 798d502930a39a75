#!/usr/bin/env python3
"""Turns a checkpoint of COCOLA's authors into a model file of this project, and back.

A checkpoint of PyTorch Lightning is a pickle. It is opened with PyTorch's restricted reader, which
runs nothing; the five settings classes that such checkpoints mention become stand-ins that do
nothing, and any other class or function in it is refused. Needs the Python packages torch and
safetensors (cmake/setup.sh --peers). cocola_inspect tells what the result holds.
"""
import argparse
import hashlib
import io
import json
import os
import pickle
import re
import sys
import warnings
import zipfile
from collections import OrderedDict

PROGRAM = "convert_checkpoint"
AUTHORS_MODULE = "contrastive_model.constants"
AUTHORS_CLASSES = ("EmbeddingMode", "ModelInputType", "Dataset", "ModelFeatureExtractorType",
                   "FeatureExtractionTime")
# Python 3.11 pickles a value of an enumeration as a call of getattr.
GETATTR = ("builtins.getattr", "__builtin__.getattr")
LIGHTNING_VERSION = "2.2.1"  # whose layout the checkpoint has
LICENCE = ("The authors state none for their weights. They trained on MoisesDB (CC BY-NC-SA 4.0), "
           "among other sets: treat the weights as non-commercial.")
# Fingerprints of the two published front ends, by channels of the input.
FINGERPRINTS = {2: "a0871013a1fa7465", 1: "c4ccf7843792303f"}
# Repeats, kernel, expansion, channels in and out of EfficientNet-B0's stages.
STAGES = ((1, 3, 1, 32, 16), (2, 3, 6, 16, 24), (2, 5, 6, 24, 40), (3, 3, 6, 40, 80),
          (3, 5, 6, 80, 112), (4, 5, 6, 112, 192), (1, 3, 6, 192, 320))


class Refusal(Exception):
    """What is wrong with a file, in one line."""


# ---- the published network ----

def norm_tensors(name, channels):
    for part in ("weight", "bias", "running_mean", "running_var"):
        yield f"{name}.{part}", (channels,)
    yield f"{name}.num_batches_tracked", ()


def block_tensors(name, kernel, expansion, channels_in, channels_out):
    middle, squeezed = channels_in * expansion, channels_in // 4
    if expansion != 1:
        yield f"{name}._expand_conv.weight", (middle, channels_in, 1, 1)
        yield from norm_tensors(f"{name}._bn0", middle)
    yield f"{name}._depthwise_conv.weight", (middle, 1, kernel, kernel)
    yield from norm_tensors(f"{name}._bn1", middle)
    yield f"{name}._se_reduce.weight", (squeezed, middle, 1, 1)
    yield f"{name}._se_reduce.bias", (squeezed,)
    yield f"{name}._se_expand.weight", (middle, squeezed, 1, 1)
    yield f"{name}._se_expand.bias", (middle,)
    yield f"{name}._project_conv.weight", (channels_out, middle, 1, 1)
    yield from norm_tensors(f"{name}._bn2", channels_out)


def network_tensors(in_channels):
    """Names and shapes of all 363 tensors, in the order of the original state."""
    trunk = "encoder.encoder.model.0"
    yield f"{trunk}._conv_stem.weight", (32, in_channels, 3, 3)
    yield from norm_tensors(f"{trunk}._bn0", 32)
    index = 0
    for repeats, kernel, expansion, channels_in, channels_out in STAGES:
        for repeat in range(repeats):
            yield from block_tensors(f"{trunk}._blocks.{index}", kernel, expansion,
                                     channels_in if repeat == 0 else channels_out, channels_out)
            index += 1
    yield f"{trunk}._conv_head.weight", (1280, 320, 1, 1)
    yield from norm_tensors(f"{trunk}._bn1", 1280)
    yield "encoder.projection.weight", (512, 1280)
    yield "encoder.projection.bias", (512,)
    yield "layer_norm.weight", (512,)
    yield "layer_norm.bias", (512,)
    yield "similarity.w", (512, 512)


def check_tensor(name, tensor, shape):
    import torch
    if not isinstance(tensor, torch.Tensor):
        raise Refusal(f"'{name}' is not a tensor")
    if tensor.layout != torch.strided or tensor.device.type != "cpu":
        raise Refusal(f"the tensor '{name}' is {tensor.layout} on {tensor.device}, not plain")
    expected = torch.int64 if name.endswith("num_batches_tracked") else torch.float32
    if tuple(tensor.shape) != shape or tensor.dtype != expected:
        raise Refusal(f"the tensor '{name}' is {tensor.dtype} {list(tensor.shape)}; "
                      f"the published network has {expected} {list(shape)}")
    if not bool(torch.isfinite(tensor).all()):
        raise Refusal(f"the tensor '{name}' holds a value that is not finite")


def published_state(tensors):
    """The tensors in their original order, and the input's channels. Refuses any other network."""
    stem = tensors.get("encoder.encoder.model.0._conv_stem.weight")
    shape = tuple(getattr(stem, "shape", ()))
    if len(shape) != 4 or shape[1] not in FINGERPRINTS:
        raise Refusal("no stem convolution with one or two input channels: not COCOLA's network")
    state = OrderedDict()
    for name, expected in network_tensors(shape[1]):
        if name not in tensors:
            raise Refusal(f"the tensor '{name}' is missing")
        check_tensor(name, tensors[name], expected)
        state[name] = tensors[name].detach().clone().contiguous()
    for name in tensors:
        if name not in state:
            raise Refusal(f"{printable(repr(name))} is not part of the published network")
    return state, shape[1]


# ---- the metadata of a model file ----

def front_end(in_channels):
    kind = "hps" if in_channels == 2 else "mel"
    settings = {"kind": kind, "sample_rate_hz": 16000, "fft_size": 1024, "taper_samples": 400,
                "hop_samples": 160, "mel_bins": 64, "min_hz": 60.0, "max_hz": 7800.0}
    return {"feature_kind": kind,
            "feature_description":
                f"{kind}-v1 rate=16000 fft=1024 taper=400 hop=160 mel=64 hz=60..7800",
            "feature_fingerprint": FINGERPRINTS[in_channels],
            "feature_settings": json.dumps(settings, separators=(",", ":"))}


def network_card(in_channels):
    return {"similarity": "bilinear", "similarity_init": "normal", "temperature": "0.1",
            "embedding_size": "512", "width": "1", "depth": "1", "dropout": "0.1",
            "drop_connect": "0.2", "in_channels": str(in_channels), "sample_rate_hz": "16000",
            "window_seconds": "5", "masked_db": "0"}


def model_card(in_channels, step, provenance):
    return {"format": "pt", **network_card(in_channels), **front_end(in_channels),
            "step": str(step), "config_yaml": "", "data_digest": "", "version": "converted",
            "provenance": provenance, "licence": LICENCE}


def check_card(card, in_channels):
    """The published network must be used as published: its tensors alone do not say how."""
    expected = {**network_card(in_channels), **front_end(in_channels)}
    for key in ("similarity", "embedding_size", "width", "depth", "in_channels",
                "feature_fingerprint"):
        if card.get(key) != expected[key]:
            raise Refusal(f"its {key} is {printable(card.get(key))}; "
                          f"the authors' network has {expected[key]}")


# ---- files ----

def printable(text):
    return re.sub(r"[^\x20-\x7e]", "?", str(text))


def digest_of(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def check_archive(path):
    """A checkpoint is an uncompressed zip archive, so nothing in it can grow when it is read."""
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                if member.compress_type != zipfile.ZIP_STORED:
                    name = printable(member.filename)
                    raise Refusal(f"its member {name} is compressed; in checkpoints none is")
    except zipfile.BadZipFile:
        raise Refusal("not a checkpoint archive, or cut short") from None


def read_checkpoint(path):
    import torch
    check_archive(path)
    names = [f"{AUTHORS_MODULE}.{name}" for name in AUTHORS_CLASSES]
    stand_ins = [(type("StandIn", (), {"__init__": lambda self, *values: None}), name)
                 for name in (*names, *GETATTR)]
    try:
        with torch.serialization.safe_globals(stand_ins), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # errors are one line
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as problem:
        found = re.search(r"GLOBAL ([\w.]+)", str(problem))
        if found:
            raise Refusal(f"it asks for {found[1]}, which no checkpoint of COCOLA needs") from None
        raise Refusal("its pickle is damaged, or holds more than a checkpoint does") from None
    except Exception as problem:  # whatever a damaged archive does to the reader
        raise Refusal(f"not readable: {printable(problem).split('. ')[0][:200]}") from None
    if not isinstance(content, dict) or not isinstance(content.get("state_dict"), dict):
        raise Refusal("it has no state_dict: not a Lightning checkpoint")
    step = content.get("global_step", 0)
    if type(step) is not int or not 0 <= step < 2**63:
        raise Refusal(f"its global_step is {printable(step)[:40]}, not a count")
    return content["state_dict"], step


def write_atomically(path, content):
    """The file is complete or absent, whatever happens meanwhile."""
    folder, name = os.path.split(os.path.abspath(path))
    partial = os.path.join(folder, f".{name}.{os.getpid()}.partial")
    try:
        with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except BaseException:
        if os.path.exists(partial):
            os.unlink(partial)
        raise


def to_model_file(source, target):
    from safetensors.torch import save
    tensors, step = read_checkpoint(source)
    state, in_channels = published_state(tensors)
    provenance = f"{printable(os.path.basename(source))}, SHA-256 {digest_of(source)}"
    write_atomically(target, save(state, model_card(in_channels, step, provenance)))


def to_checkpoint(source, target):
    import torch
    from safetensors import SafetensorError, safe_open
    try:
        with safe_open(source, "pt") as file:
            card = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}
    except SafetensorError as problem:
        raise Refusal(f"not a model file: {printable(problem)[:200]}") from None
    state, in_channels = published_state(tensors)
    check_card(card, in_channels)
    step = card.get("step", "")
    if not re.fullmatch(r"\d{1,18}", step):
        raise Refusal(f"its step is '{printable(step)[:40]}', not a count")
    buffer = io.BytesIO()
    torch.save({"epoch": 0, "global_step": int(step), "state_dict": state, "hyper_parameters": {},
                "pytorch-lightning_version": LIGHTNING_VERSION, "cocola": card}, buffer)
    write_atomically(target, buffer.getvalue())


# ---- the program ----

class Parser(argparse.ArgumentParser):
    def error(self, message):
        self.exit(2, f"{PROGRAM}: error: {message}; see --help\n")


def parse(arguments):
    parser = Parser(prog=PROGRAM, description=__doc__,
                    formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", metavar="SOURCE", help="the authors' .ckpt")
    parser.add_argument("target", metavar="TARGET", help="the .safetensors to write")
    parser.add_argument("--to-original", action="store_true",
                        help="the other way: from a model file to a .ckpt with the authors' names")
    line = parser.parse_args(arguments)
    if os.path.realpath(line.source) == os.path.realpath(line.target):
        parser.error("SOURCE and TARGET are the same file")
    return line


def check_packages():
    try:
        import safetensors  # noqa: F401
        import torch
    except ImportError as problem:
        raise Refusal(f"{problem}; install what is missing with cmake/setup.sh --peers") from None
    version = tuple(int(part) for part in re.findall(r"\d+", torch.__version__)[:2])
    if version < (2, 6):
        raise Refusal(f"torch {torch.__version__} has an unsafe reader; 2.6 or newer is needed")


def main(arguments):
    line = parse(arguments)
    try:
        check_packages()
        (to_checkpoint if line.to_original else to_model_file)(line.source, line.target)
    except Refusal as problem:
        print(f"{PROGRAM}: error: {printable(line.source)}: {problem}", file=sys.stderr)
        return 1
    except OSError as problem:
        place = problem.filename or line.target
        reason = problem.strerror or printable(problem)
        print(f"{PROGRAM}: error: {printable(place)}: {reason}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
