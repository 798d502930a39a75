#!/usr/bin/env python3
"""Prints the errors that the tests measure against the reference arrays, beside their tolerances.

  measured_errors.py BIN     BIN: the folder of the test programs, for example build/release/bin
"""
import json
import os
import subprocess
import sys
import tempfile

PROGRAMS = ("test_audio", "test_features", "test_model", "test_objective", "test_training")
TESTS = ("Resample.EqualsTheReference*:*/StftAt.*Librosa*:*/HpssAt.*:Mel.FilterBanks*:*/FrontEndAt.*Equals*:"
         "Golden/Parity.*:ContrastiveLossTest.BilinearForm*:Adam.TakesTheSteps*")
PREFIX = "measured: "


def measured(program):
    """(stage, error, tolerance) of every test that notes one."""
    with tempfile.NamedTemporaryFile(suffix=".json") as report:
        subprocess.run([program, f"--gtest_filter={TESTS}", f"--gtest_output=json:{report.name}"],
                       check=True, stdout=subprocess.DEVNULL)
        suites = json.load(report)["testsuites"]
    for suite in suites:
        for test in suite["testsuite"]:
            for key, value in test.items():
                if key.startswith(PREFIX):
                    yield key[len(PREFIX):], *map(float, value.split())


def main(folder):
    stages = {}
    for program in PROGRAMS:
        for stage, error, tolerance in measured(os.path.join(folder, program)):
            stages[stage] = (max(error, stages.get(stage, (0, 0))[0]), tolerance)
    print("| stage | largest error | tolerance |\n|---|---|---|")
    for stage, (error, tolerance) in stages.items():
        print(f"| {stage} | {error:.1e} | {tolerance:.0e} |")


main(sys.argv[1])
