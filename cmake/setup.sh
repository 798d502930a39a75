#!/usr/bin/env bash
# Installs what a fresh Debian 12 or Ubuntu 24.04 lacks to build, test and demonstrate cocola: system
# packages, and a Python environment that holds LibTorch. A second run finds nothing to do.
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: cmake/setup.sh [--peers] [--slurm] [--browser] [--dry-run]

  --peers    also install the Python packages that tests and benches compare with
  --slurm    also install Slurm, for the tests of the job scripts; where systemd runs, its services start
  --browser  also install a headless Chromium, for the tests of the page of scores (Debian alone has the package)
  --dry-run  say what would be done and change nothing

Environment:
  COCOLA_VENV  folder of the Python environment (default: .venv in the project)
TEXT
}

system_packages=(
  build-essential cmake ninja-build ccache pkg-config python3-venv
  libopenmpi-dev openmpi-bin libhdf5-dev hdf5-tools libsndfile1-dev libboost-program-options-dev
  libyaml-cpp-dev nlohmann-json3-dev libspdlog-dev libfmt-dev libxxhash-dev
  libgtest-dev libgmock-dev libbenchmark-dev
  # Music for the demo: a synthesiser, a sound font, and songs as MIDI files.
  libfluidsynth-dev fluidsynth timgm6mb-soundfont openttd-openmsx freedoom
)
# What pip installs, by group. librosa 0.10.1 imports pkg_resources, hence the old setuptools.
declare -A requirements=(
  [torch]='torch==2.11.0'
  [nvcc]='cuda-toolkit[nvcc,cccl]==13.0.2 nvidia-nvvm==13.0.88 nvidia-cuda-crt==13.0.88'
  [peers]='torchaudio==2.11.0 librosa==0.10.1 efficientnet_pytorch==0.7.1 numpy scipy safetensors
           soundfile h5py tensorboard setuptools<81'
)
required_gib=8  # of the environment while pip unpacks it

say() { echo "setup: $*" >&2; }
fail() { say "$*"; exit 1; }

with_peers=false
dry_run=false
for option in "$@"; do
  case $option in
    --peers) with_peers=true ;;
    --slurm) system_packages+=(munge slurmctld slurmd slurm-client) ;;
    --browser) system_packages+=(chromium-headless-shell fonts-dejavu-core) ;;
    --dry-run) dry_run=true ;;
    --help | -h) usage; exit 0 ;;
    *) say "unknown option '$option'"; usage >&2; exit 2 ;;
  esac
done
project=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=$(realpath -m "${COCOLA_VENV:-$project/.venv}")

# ---- system packages ----

missing_packages() {
  local installed
  installed=$(dpkg-query -W -f='${db:Status-Abbrev}${Package}\n' "${system_packages[@]}" 2>/dev/null |
    sed -n 's/^[a-z]i *//p') || true
  comm -23 <(printf '%s\n' "${system_packages[@]}" | sort) <(sort -u <<<"$installed")
}

apt_get() {
  # In run level 1 no service of a package is started, if there is no systemd to decide that.
  local command=(env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get -o DPkg::Lock::Timeout=300 "$@")
  if ((EUID != 0)); then command=(sudo "${command[@]}"); fi
  "${command[@]}" </dev/null >&2
}

install_packages() {
  local install=(install --yes --no-install-recommends "$@")
  if ((EUID != 0)) && ! command -v sudo >/dev/null; then
    fail "not root, and there is no sudo; as root run: apt-get ${install[*]}"
  fi
  # An empty or old package index is the usual reason for a refusal.
  if apt-get install --simulate --no-install-recommends "$@" >/dev/null 2>&1 &&
    apt_get "${install[@]}"; then
    return
  fi
  say "refreshing the package index"
  apt_get update || fail "apt-get update failed; check the network and /etc/apt/sources.list*"
  apt_get "${install[@]}" ||
    fail "apt-get ${install[*]} failed (on Ubuntu these packages need the component 'universe')"
}

setup_packages() {
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    say "no apt here; this system must already have the equivalents of: ${system_packages[*]}"
    return
  fi
  local missing
  mapfile -t missing < <(missing_packages)
  if ((${#missing[@]} == 0)); then return; fi
  something_to_do=true
  if $dry_run; then
    say "would install with apt-get: ${missing[*]}"
  else
    say "installing with apt-get: ${missing[*]}"
    install_packages "${missing[@]}"
  fi
}

# ---- Python environment ----

# The nvcc that CMake would find outside the environment must be of CUDA 13.
has_system_nvcc() {
  local compiler
  compiler=$(command -v nvcc || echo /usr/local/cuda/bin/nvcc)
  [[ -x $compiler && $("$compiler" --version) == *'release 13.'* ]]
}

# What was installed last, by group; written only after pip has succeeded.
stamp_of() { echo "$venv/cocola-$1.txt"; }

group_is_ready() {
  local stamp
  stamp=$(stamp_of "$1")
  [[ -f $stamp && $(<"$stamp") == "${requirements[$1]}" ]]
}

# The stamps may outlive what they stand for, as after an upgrade of the system's Python.
environment_works() {
  "$venv/bin/python3" - "${requirements[torch]}" <<'PYTHON' 2>/dev/null
import importlib.metadata, sys
name, version = sys.argv[1].split("==")
sys.exit(importlib.metadata.version(name) != version)
PYTHON
}

check_space() {
  local folder=$venv free_kib
  while [[ ! -d $folder ]]; do folder=$(dirname "$folder"); done
  free_kib=$(df --output=avail -k "$folder" | tail -n 1)
  if ((free_kib < required_gib * 1024 * 1024)); then
    fail "$folder has $((free_kib / 1024 / 1024)) GiB free, the Python environment needs" \
      "$required_gib; make room, or set COCOLA_VENV to a folder on another disk"
  fi
}

make_environment() {
  if "$venv/bin/python3" -m pip --version >/dev/null 2>&1; then return; fi
  local python=/usr/bin/python3
  if [[ ! -x $python ]]; then python=$(command -v python3) || fail "no python3 found"; fi
  "$python" -m venv "$venv" >&2 ||
    fail "$python could not make the environment $venv; remove that folder and run again"
}

# Installs the requirements given as arguments.
fill_environment() {
  local quiet=() cuda
  if [[ ! -t 2 ]]; then quiet=(--quiet); fi
  say "installing with pip into $venv (torch and what it needs are about 3 GB to download): $*"
  "$venv/bin/python3" -m pip install --no-input --disable-pip-version-check "${quiet[@]}" "$@" \
    </dev/null >&2 || fail "pip failed; its message is above"
  environment_works || fail "pip left no torch in $venv; remove that folder and run again"
  # nvcc looks for the CUDA runtime in lib64, the wheels put it into lib.
  for cuda in "$venv"/lib/python3*/site-packages/nvidia/cu13; do
    if [[ -d $cuda ]]; then ln -sfn lib "$cuda/lib64"; fi
  done
}

setup_environment() {
  local groups=(torch) group packages wanted=() ready=true
  if ! has_system_nvcc; then groups+=(nvcc); fi
  if $with_peers; then groups+=(peers); fi
  for group in "${groups[@]}"; do
    read -r -d '' -a packages <<<"${requirements[$group]}" || true
    wanted+=("${packages[@]}")
    group_is_ready "$group" || ready=false
  done
  if $ready && environment_works; then return; fi

  something_to_do=true
  if $dry_run; then
    say "would install with pip into $venv: ${wanted[*]}"
    return
  fi
  check_space
  make_environment
  fill_environment "${wanted[@]}"
  for group in "${groups[@]}"; do
    echo "${requirements[$group]}" >"$(stamp_of "$group")"
  done
}

something_to_do=false
setup_packages
setup_environment
if ! $something_to_do; then
  say "nothing to do"
elif ! $dry_run; then
  say "done"
fi
