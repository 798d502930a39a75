#!/usr/bin/env python3
"""The converter on checkpoints made here, good and hostile."""
import collections
import contextlib
import enum
import io
import json
import os
import pickle
import subprocess
import sys
import tempfile
import types
import unittest
import zipfile

import published
import convert_checkpoint
from published import torch
from safetensors.torch import load_file, save_file

STATE = {channels: published.random_model(channels, 3).state_dict() for channels in (2, 1)}


class Command:
    """Runs a shell command when it is unpickled."""

    def __init__(self, command):
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


def authors_setting(name, pickled_by_name):
    """A value of one of the authors' enumerations; Python 3.11 pickles names, others values."""
    package = sys.modules.setdefault("contrastive_model", types.ModuleType("contrastive_model"))
    module = sys.modules.setdefault(convert_checkpoint.AUTHORS_MODULE,
                                    types.ModuleType(convert_checkpoint.AUTHORS_MODULE))
    package.constants = module
    cls = enum.Enum(name, {"VALUE": "value"}, module=module.__name__)
    cls.__reduce_ex__ = lambda self, protocol: ((getattr, (cls, "VALUE")) if pickled_by_name
                                                else (cls, ("value",)))
    setattr(module, name, cls)
    return cls.VALUE


def inspect(path):
    return json.loads(published.run("cocola_inspect", "--json", path))["files"][0]


class Converter(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.source, self.target = self.path("model.ckpt"), self.path("model.safetensors")

    def path(self, name):
        return os.path.join(self.folder, name)

    def save(self, state=None, **more):
        content = {"epoch": 87, "global_step": 554_000, "pytorch-lightning_version": "2.2.1",
                   "state_dict": STATE[2] if state is None else state, **more}
        torch.save(content, self.source)

    def convert(self, *options):
        """Exit status and standard error."""
        errors = io.StringIO()
        with contextlib.redirect_stderr(errors):
            status = convert_checkpoint.main([*options, self.source, self.target])
        return status, errors.getvalue()

    def expect_refusal(self, *words, options=()):
        before = sorted(os.listdir(self.folder))
        status, errors = self.convert(*options)
        self.assertEqual(status, 1, errors)
        self.assertEqual(errors.count("\n"), 1, errors)
        for word in ("convert_checkpoint: error: ", self.source, *words):
            self.assertIn(word, errors)
        self.assertEqual(sorted(os.listdir(self.folder)), before)

    # ---- good checkpoints ----

    def test_both_published_networks_become_model_files_that_our_programs_accept(self):
        for channels, kind in ((2, "hps"), (1, "mel")):
            self.save(STATE[channels])
            self.assertEqual(self.convert(), (0, ""))
            report = inspect(self.target)
            self.assertEqual((report["kind"], report["intact"]), ("model", True))
            self.assertEqual(report["metadata"]["step"], "554000")
            self.assertIn("non-commercial", report["metadata"]["licence"])
            digest = convert_checkpoint.digest_of(self.source)
            self.assertIn(digest, report["metadata"]["provenance"])
            found = load_file(self.target)
            for name, tensor in STATE[channels].items():
                self.assertTrue(torch.equal(found[name], tensor), name)
            self.assertEqual(found.keys(), STATE[channels].keys())

    def test_the_metadata_are_those_of_our_own_model_files(self):
        for channels, kind in ((2, "hps"), (1, "mel")):
            self.save(STATE[channels])
            self.convert()
            published.run("parity_model", "write", self.path("ours.safetensors"), kind, 1)
            converted, ours = (inspect(path)["metadata"]
                               for path in (self.target, self.path("ours.safetensors")))
            self.assertEqual(set(converted) - set(ours), {"licence", "provenance"})
            # Nothing is known of the songs another program trained on, or of its validation.
            self.assertEqual(set(ours) - set(converted),
                             {"cocola_digest", "cocola_digest_method", "training_tracks",
                              "valid_accuracy", "valid_candidates"})
            for key in set(ours) & set(converted) - {"step", "version"}:
                self.assertEqual(converted[key], ours[key], key)

    def test_the_authors_five_settings_are_taken_and_never_used(self):
        for by_name in (False, True):
            self.save(hyper_parameters={name: authors_setting(name, by_name)
                                        for name in convert_checkpoint.AUTHORS_CLASSES})
            self.assertEqual(self.convert(), (0, ""))

    def test_there_and_back_gives_the_same_bytes_of_every_tensor_in_the_original_order(self):
        self.save()
        self.convert()
        there, self.source, self.target = self.source, self.target, self.path("back.ckpt")
        self.assertEqual(self.convert("--to-original"), (0, ""))
        back = torch.load(self.target, weights_only=True)
        self.assertEqual(list(back["state_dict"]), list(STATE[2]))
        for name, tensor in torch.load(there, weights_only=True)["state_dict"].items():
            self.assertTrue(torch.equal(back["state_dict"][name], tensor), name)
        self.assertEqual(back["global_step"], 554_000)

    def test_the_listing_is_that_of_the_public_network(self):
        for channels in (2, 1):
            expected = [(name, tuple(tensor.shape)) for name, tensor in STATE[channels].items()]
            self.assertEqual(list(convert_checkpoint.network_tensors(channels)), expected)

    # ---- hostile and damaged ones ----

    def test_a_pickle_that_would_run_a_command_is_refused_and_runs_nothing(self):
        self.save(hyper_parameters={"x": Command(f"touch {self.path('executed')}")})
        self.expect_refusal("posix.system")
        self.assertFalse(os.path.exists(self.path("executed")))

    def test_any_other_class_is_refused_by_name(self):
        self.save(hyper_parameters={"x": collections.deque([1])})
        self.expect_refusal("collections.deque")
        self.save(hyper_parameters={"x": authors_setting("Other", False)})
        self.expect_refusal("contrastive_model.constants.Other")

    def test_what_is_no_archive_is_refused(self):
        for content in (b"", b"hello", pickle.dumps(Command(f"touch {self.path('executed')}"))):
            with open(self.source, "wb") as file:
                file.write(content)
            self.expect_refusal("not a checkpoint archive")
        self.assertFalse(os.path.exists(self.path("executed")))

    def test_an_archive_cut_short_is_refused(self):
        self.save()
        size = os.path.getsize(self.source)
        for share in (0.01, 0.5, 0.999):
            self.save()
            os.truncate(self.source, int(share * size))
            self.expect_refusal("cut short")

    def test_a_compressed_archive_and_one_without_a_pickle_are_refused(self):
        with zipfile.ZipFile(self.source, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("model/data.pkl", b"\0" * 10_000_000)
        self.expect_refusal("compressed")
        with zipfile.ZipFile(self.source, "w") as archive:
            archive.writestr("notes.txt", "hello")
        self.expect_refusal("not readable")

    def test_a_damaged_pickle_is_refused(self):
        with zipfile.ZipFile(self.source, "w") as archive:
            archive.writestr("model/data.pkl", b"\x80\x02}q\x00(X\xff\xff\xff\xff")
            archive.writestr("model/version", "3\n")
        self.expect_refusal()

    def test_another_network_is_refused_by_its_first_difference(self):
        def changed(name, tensor):
            return {**STATE[2], name: tensor}

        self.save({name: t for name, t in STATE[2].items() if name != "layer_norm.bias"})
        self.expect_refusal("'layer_norm.bias' is missing")
        self.save(changed("similarity.layer_norm.bias", torch.zeros(512)))
        self.expect_refusal("'similarity.layer_norm.bias' is not part")
        self.save(changed("similarity.w", torch.zeros(512, 511)))
        self.expect_refusal("'similarity.w'", "[512, 511]", "[512, 512]")
        self.save(changed("similarity.w", torch.zeros(512, 512).half()))
        self.expect_refusal("float16", "float32")
        self.save(changed("similarity.w", torch.full((512, 512), float("nan"))))
        self.expect_refusal("not finite")
        self.save(changed("similarity.w", torch.zeros(512, 512).to_sparse()))
        self.expect_refusal("'similarity.w'", "sparse")
        self.save(changed("similarity.w", "text"))
        self.expect_refusal("'similarity.w' is not a tensor")
        self.save(changed("encoder.encoder.model.0._conv_stem.weight", torch.zeros(32, 3, 3, 3)))
        self.expect_refusal("one or two input channels")
        self.save(changed("\x1b[31m\nred", torch.zeros(1)))
        self.expect_refusal("not part of the published network")

    def test_a_tensor_that_claims_more_than_it_holds_costs_no_memory(self):
        self.save({**STATE[2], "similarity.w": torch.zeros(1).expand(2**40)})
        self.expect_refusal("'similarity.w'")

    def test_checkpoints_without_a_state_or_with_an_absurd_step_are_refused(self):
        torch.save({"weights": {}}, self.source)
        self.expect_refusal("state_dict")
        torch.save([1, 2], self.source)
        self.expect_refusal("state_dict")
        self.save(global_step=-1)
        self.expect_refusal("global_step")

    def test_our_model_of_another_kind_has_no_original_form(self):
        card = convert_checkpoint.model_card(2, 0, "")
        for key, value in (("similarity", "cosine"), ("feature_fingerprint", "0123456789abcdef")):
            self.source, self.target = self.path("model.safetensors"), self.path("model.ckpt")
            save_file(STATE[2], self.source, {**card, key: value})
            self.expect_refusal(key, value, options=("--to-original",))
        with open(self.source, "wb") as file:
            file.write(b"not safetensors")
        self.expect_refusal("not a model file", options=("--to-original",))

    # ---- the program ----

    def test_usage(self):
        def program(*arguments):
            return subprocess.run([sys.executable, published.CONVERTER, *arguments],
                                  capture_output=True, text=True)

        help_text = program("--help")
        self.assertEqual(help_text.returncode, 0)
        self.assertIn("--to-original", help_text.stdout)
        for arguments in ((), ("a",), ("a", "b", "c"), ("a", "a"), ("--faster", "a", "b")):
            result = program(*arguments)
            self.assertEqual((result.returncode, result.stdout), (2, ""))
            self.assertEqual(result.stderr.count("\n"), 1, result.stderr)

    def test_a_file_that_is_absent_or_cannot_be_written_is_named(self):
        status, errors = self.convert()
        self.assertEqual((status, errors.count("\n")), (1, 1))
        self.assertIn(self.source, errors)
        self.save()
        self.target = self.path("absent/model.safetensors")
        status, errors = self.convert()
        self.assertEqual((status, errors.count("\n")), (1, 1))
        self.assertIn(self.path("absent"), errors)

    def test_a_full_disk_leaves_the_old_file(self):
        self.save()
        with open(self.target, "w") as file:
            file.write("old")
        script = (f"ulimit -f 1000; trap '' XFSZ; exec {sys.executable} {published.CONVERTER} "
                  f"{self.source} {self.target}")
        result = subprocess.run(["bash", "-c", script], capture_output=True, text=True)
        self.assertEqual((result.returncode, result.stderr.count("\n")), (1, 1), result.stderr)
        with open(self.target) as file:
            self.assertEqual(file.read(), "old")
        self.assertEqual(sorted(os.listdir(self.folder)), ["model.ckpt", "model.safetensors"])


if __name__ == "__main__":
    unittest.main()
