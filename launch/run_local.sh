#!/usr/bin/env bash
# Trains on this machine: one rank for each GPU, or one on the CPU.
set -euo pipefail
project=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=launch/stoppable.sh
source "$project/launch/stoppable.sh"

usage() {
  cat <<'TEXT'
Usage: launch/run_local.sh [--ranks N] CONFIG [OPTION...]

Trains on this machine with the settings in CONFIG; each OPTION goes to cocola_ddp, as in
--set training.max_steps=100. Output goes to runs/<experiment>/ in the working directory.

  --ranks N  number of ranks (default: one for each GPU that CUDA_VISIBLE_DEVICES leaves, or one
             on the CPU)

Ctrl-C stops in good order: the step is finished and a checkpoint written, and the same command
continues the work (exit status 75). It is not repeated by itself. A second Ctrl-C ends it at once.

Environment:
  COCOLA_PRESET    preset of CMakePresets.json that was built (default: release)
  COCOLA_BIN       folder of the programs (default: build/<preset>/bin in the project)
  OMP_WAIT_POLICY  how idle threads wait (default for several ranks: passive)
TEXT
}
wrong_usage() { printf 'run_local: %s\n' "$*" >&2; usage >&2; exit 2; }

count_gpus() {
  if [[ -v CUDA_VISIBLE_DEVICES ]]; then
    tr ',' '\n' <<<"$CUDA_VISIBLE_DEVICES" | grep -c . || true
  else
    nvidia-smi -L 2>/dev/null | grep -c '^GPU' || true
  fi
}

ranks=
case ${1:-} in
  --help | -h) usage; exit 0 ;;
  --ranks)
    ranks=${2:-}
    [[ $ranks =~ ^[1-9][0-9]*$ ]] || wrong_usage "--ranks '$ranks' is not a number from 1 on"
    shift 2
    ;;
esac
if (($# == 0)); then wrong_usage "the configuration is missing"; fi
case $1 in -*) wrong_usage "'$1' stands where the configuration belongs" ;; esac

trainer=${COCOLA_BIN:-$project/build/${COCOLA_PRESET:-release}/bin}/cocola_ddp
if [[ ! -x $trainer ]]; then
  echo "run_local: $trainer is not there; build it (see CONTRIBUTING.md) or set COCOLA_PRESET" >&2
  exit 1
fi
if [[ -z $ranks ]]; then
  gpus=$(count_gpus)
  ranks=$((gpus > 0 ? gpus : 1))
fi
if ((ranks == 1)); then exec "$trainer" --config "$@"; fi

# The system moves ranks between all cores, as other programs may be at work here: ranks that were
# bound would get the same cores as those of a second run. So idle threads must not spin.
export OMP_WAIT_POLICY=${OMP_WAIT_POLICY:-passive}
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
status=0
# In a session of its own Ctrl-C reaches mpirun through the trap alone.
run_stoppable "INT TERM HUP USR1" setsid mpirun --oversubscribe --bind-to none \
  --mca mpi_yield_when_idle 1 -np "$ranks" "$trainer" --config "$@" || status=$?
if ((status == 75)); then echo "run_local: stopped; the same command continues the work" >&2; fi
exit "$status"
