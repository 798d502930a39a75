#!/usr/bin/env bash
# Laws of cmake/setup.sh, with stand-ins for the programs that would change the machine: each call of
# apt-get and pip is written to a log instead.
#   setup_test.sh <cmake/setup.sh>
set -euo pipefail
script=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/bin" "$work/venv/bin" "$work/venv/lib/python3/site-packages/nvidia/cu13/lib"
export COCOLA_VENV=$work/venv PATH="$work/bin:$PATH"

stand_in() { # path, body
  printf '#!/bin/sh\n%s\n' "$2" >"$1"
  chmod +x "$1"
}
stand_in "$work/bin/dpkg-query" "cat '$work/installed'"
stand_in "$work/bin/apt-get" "echo \"apt-get \$*\" >>'$work/log'"
stand_in "$work/bin/sudo" 'exec "$@"'
stand_in "$work/bin/nvcc" 'echo "Cuda compilation tools, release 13.0, V13.0.88"'
stand_in "$work/venv/bin/python3" "case \$3 in install) echo \"pip \$*\" >>'$work/log' ;; esac"
stand_in "$work/bin/df" "echo; echo \$(cat '$work/free_kib')"
echo 99999999 >"$work/free_kib"

# shellcheck source=tests/scripts/laws.sh
source "$(dirname "${BASH_SOURCE[0]}")/laws.sh"

all_packages() { sed -n '/^system_packages=(/,/^)/p' "$script" | sed '1d;$d;/^ *#/d' | tr -s ' ' '\n'; }
all_packages | sed '/^$/d; /^ninja-build$/d; s/^/ii /' >"$work/installed"
echo 'rc ninja-build' >>"$work/installed"

run --dry-run --peers
expect 'a dry run succeeds' [ "$status" = 0 ]
expect 'a dry run changes nothing' [ -z "$log" ]
expect 'a dry run names the missing package' contains "$said" 'apt-get: ninja-build'
expect 'a dry run names torch' contains "$said" 'torch=='
expect 'a dry run names the peers' contains "$said" 'librosa=='

run
expect 'setting up succeeds' [ "$status" = 0 ]
expect 'only the missing package is installed' contains "$log" 'install --yes --no-install-recommends ninja-build'
expect 'torch is installed' contains "$log" 'torch=='
expect 'peers are not asked for' lacks "$log" librosa
expect 'nvcc 13 is there already' lacks "$log" nvcc
expect 'nvcc will find the CUDA runtime' [ -d "$COCOLA_VENV/lib/python3/site-packages/nvidia/cu13/lib64/" ]
echo 'ii ninja-build' >>"$work/installed"

run
expect 'a second run does nothing' [ -z "$log" ]
expect 'a second run says so' contains "$said" 'nothing to do'

run --peers
expect 'peers are added later' contains "$log" 'librosa=='
expect 'packages are left alone' lacks "$log" apt-get
run --slurm
expect 'Slurm is installed where it is asked for' contains "$log" ' slurmctld'
run --browser
expect 'a browser is installed where it is asked for' contains "$log" ' chromium-headless-shell'
run
expect 'peers need no second call' [ -z "$log" ]

stand_in "$work/bin/nvcc" 'echo "Cuda compilation tools, release 12.4, V12.4.131"'
run
expect 'an nvcc of another CUDA is replaced' contains "$log" 'nvidia-nvvm=='

rm "$COCOLA_VENV"/cocola-*.txt
echo 1048576 >"$work/free_kib"
run
expect 'too little room is a failure' [ "$status" = 1 ]
expect 'too little room is found before pip' [ -z "$log" ]
expect 'the message names both sizes' contains "$said" 'has 1 GiB free, the Python environment needs 8'

run --everything
expect 'an unknown option is wrong usage' [ "$status" = 2 ]
expect 'and is named' contains "$said" "'--everything'"
