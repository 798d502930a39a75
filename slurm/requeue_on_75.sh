#!/usr/bin/env bash
# Runs a program of cocola inside a Slurm job, and puts the job back into the queue when the program
# was stopped before its end (status 75). Any other status is that of the job.
#   requeue_on_75.sh COMMAND [ARGUMENT...]
# SIGUSR1, which Slurm sends to the job script before the time limit, asks the program to stop.
#
# Environment: COCOLA_MAX_RESTARTS  how often the job may be started again, for whatever reason (default: 20)
set -euo pipefail
# shellcheck source=launch/stoppable.sh
source "$(dirname "${BASH_SOURCE[0]}")/../launch/stoppable.sh"

say() { echo "requeue_on_75: $*" >&2; }

# scancel and pre-emption end all processes of a job with SIGTERM. The program may finish its step,
# but whether the job runs again is then not for this script to say.
ended_by_slurm=false
trap 'ended_by_slurm=true' TERM
status=0
run_stoppable USR1 "$@" || status=$?
if ((status != 75)) || $ended_by_slurm; then exit "$status"; fi

# In an array the plain id may stand for all tasks.
job=$SLURM_JOB_ID
if [[ -n ${SLURM_ARRAY_TASK_ID:-} ]]; then job=${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID; fi
restarts=${SLURM_RESTART_COUNT:-0}
if ((restarts >= ${COCOLA_MAX_RESTARTS:-20})); then
  say "job $job was started again $restarts times, and no more is allowed (COCOLA_MAX_RESTARTS);" \
    "to continue the work, submit it anew"
  exit 75
fi
say "job $job was stopped before its end; it is queued again (restart $((restarts + 1)))"
scontrol requeue "$job" || { say "scontrol requeue $job failed; submit the job anew"; exit 75; }
sleep 60 # Slurm ends this script before that
exit 75
