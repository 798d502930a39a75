#!/usr/bin/env bash
# Laws of the job scripts in slurm/, in a real Slurm. Exits with 77 where there can be none.
#   jobs_test.sh <project> <folder of the programs> <music of tests/programs/prepare.sh>
set -euo pipefail
project=$1 bin=$2 music=$3
# shellcheck source=tests/slurm/private_slurm.sh
source "$project/tests/slurm/private_slurm.sh"
if ! reason=$(can_have_slurm); then
  echo "skipped: $reason"
  exit 77
fi

work=$(mktemp -d /tmp/cocola_slurm.XXXXXX)
trap 'slurm_down; rm -rf "$work"' EXIT
mkdir "$work/slurm"
slurm_up "$work/slurm"
export COCOLA_PROJECT=$project COCOLA_BIN=$bin
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1

# ---- what the laws are made of ----

enter() { # a fresh directory of submission that sees the shared songs
  mkdir "$work/$1"
  cd "$work/$1"
  ln -s "$music/data" data
}
submit() { # options of sbatch, script, arguments; prints the job's number
  sbatch --parsable --cpus-per-task=1 "$@"
}
train_on_cpu() { submit --gpus-per-node=0 --ntasks-per-node=2 "$@"; }
field() { # job, name
  scontrol --oneliner show job "$1" | tr ' ' '\n' | sed -n "s/^$2=//p"
}
state() { field "$1" JobState; }
has_ended() { [[ $(state "$1") =~ ^(COMPLETED|FAILED|CANCELLED|TIMEOUT|NODE_FAIL)$ ]]; }
has_left_the_queue() { [[ -z $(squeue --noheader --jobs="$1" 2>/dev/null) ]]; }
wait_until() { # a condition
  local end=$((SECONDS + 120))
  until "$@"; do
    if ((SECONDS > end)); then
      echo "waited in vain until: $*"
      show_all
      exit 1
    fi
    sleep 0.1
  done
}
show_all() {
  squeue --all --states=all --format='%i %j %T %r %Z'
  tail -n 40 "$work"/*/slurm-*.out
}
expect() { # law, then a condition
  local law=$1
  shift
  if ! "$@"; then
    printf 'FAILED: %s\nthe condition: %s\n' "$law" "$*"
    show_all
    exit 1
  fi
  echo "holds: $law"
}
equals() { [[ $1 == "$2" ]]; }
contains() { grep -q -- "$2" "$1"; }
same_files() { # two folders; their files, not those of their subfolders
  diff <(cd "$1" && sha256sum -- *.*) <(cd "$2" && sha256sum -- *.*)
}

# Makes a program that takes the place of a real one; prints the folder to name as COCOLA_BIN.
stand_in() { # program; its text on standard input
  local folder
  folder=$(mktemp -d "$work/stand-in.XXXXXX")
  cat >"$folder/$1"
  chmod +x "$folder/$1"
  echo "$folder"
}

# ---- all jobs, side by side ----

config=$project/configs/tiny.yaml
export PROGRAMS=$bin

# The first start of one part is stopped at once: of the last, whose job has the number of the whole array.
one_part_stops=$(stand_in cocola_preprocess <<'PROGRAM'
#!/bin/bash
echo "$2" >>starts
if [[ $2 == 2/3 && $(grep -c 2/3 starts) == 1 ]]; then exit 75; fi
exec "$PROGRAMS/cocola_preprocess" "$@"
PROGRAM
)
enter parts
parts=$(COCOLA_BIN=$one_part_stops submit --array=0-2 "$project/slurm/preprocess.sbatch" "$config")
check=$(submit --array=0 --dependency=afterok:"$parts" --kill-on-invalid-dep=yes \
  "$project/slurm/preprocess.sbatch" "$config")

always_stops=$(stand_in cocola_ddp <<'PROGRAM'
#!/bin/bash
nproc >>starts
exit 75
PROGRAM
)
enter capped
capped=$(COCOLA_MAX_RESTARTS=1 COCOLA_BIN=$always_stops train_on_cpu --ntasks-per-node=1 \
  "$project/slurm/train.sbatch" "$config")

enter failing
failing=$(train_on_cpu "$project/slurm/train.sbatch" no_such_config.yaml)

stops_when_terminated=$(stand_in cocola_preprocess <<'PROGRAM'
#!/bin/bash
trap 'touch asked; exit 75' TERM
touch started
while :; do sleep 0.1; done
PROGRAM
)
enter cancelled
cancelled=$(COCOLA_BIN=$stops_when_terminated submit --array=0 "$project/slurm/preprocess.sbatch" "$config")

# A training without end that, once started again, ends after the steps that a file states.
ends_when_told=$(stand_in cocola_ddp <<'PROGRAM'
#!/bin/bash
steps=100000
if [[ -n ${SLURM_RESTART_COUNT:-} ]]; then
  until [[ -s ../steps ]]; do sleep 0.1; done
  steps=$(<../steps)
fi
exec "$PROGRAMS/cocola_ddp" "$@" --set training.epochs=100000 --set training.max_steps="$steps"
PROGRAM
)
enter on_two_nodes
ln -s "$music/shards" shards
on_two_nodes=$(COCOLA_BIN=$ends_when_told train_on_cpu --nodes=2 --ntasks-per-node=1 \
  "$project/slurm/train.sbatch" "$config")
enter by_srun
ln -s "$music/shards" shards
by_srun=$(COCOLA_LAUNCHER="srun --mpi=pmix --kill-on-bad-exit=1" COCOLA_BIN=$ends_when_told train_on_cpu \
  "$project/slurm/train.sbatch" "$config")

enter eval
ln -s "$music/shards" shards
ln -s "$music/runs" runs
eval=$(submit "$project/slurm/eval.sbatch" "$config")

# ---- a stopped training goes on ----

was_queued_again() { [[ $(field "$1" Restarts) == 1 ]]; }
stop_when_at_work() { # directory, job
  wait_until test -s "$work/$1/runs/tiny/log.jsonl"
  scancel --signal=USR1 --batch "$2"
}
last_step() { # directory
  find "$work/$1/runs/tiny/checkpoints" -name 'step_*' | sort | tail -n 1 | sed 's/.*step_0*//; s/\..*//'
}
stop_when_at_work on_two_nodes "$on_two_nodes"
stop_when_at_work by_srun "$by_srun"
wait_until was_queued_again "$on_two_nodes"
wait_until was_queued_again "$by_srun"
steps=$(printf '%d\n' "$(last_step on_two_nodes)" "$(last_step by_srun)" | sort -n | tail -n 1)
echo "stopped after steps $(last_step on_two_nodes) and $(last_step by_srun)"
echo $((steps + 2)) >"$work/steps.new"
mv "$work/steps.new" "$work/steps"

enter undisturbed
ln -s "$music/shards" shards
mpirun --oversubscribe --bind-to none --mca mpi_yield_when_idle 1 -np 2 \
  "$bin/cocola_ddp" --config "$config" --set training.epochs=100000 --set training.max_steps=$((steps + 2)) 2>train.log

for job in on_two_nodes by_srun; do
  wait_until has_ended "${!job}"
  expect "a training stopped $job is finished" equals "$(state "${!job}")" COMPLETED
  expect "after one restart" equals "$(field "${!job}" Restarts)" 1
  expect "with the bytes of an undisturbed one" \
    cmp "$work/$job/runs/tiny/model.safetensors" "$work/undisturbed/runs/tiny/model.safetensors"
  expect "and its output tells of both starts" \
    equals "$(grep -c 'cocola_ddp .* 2 rank(s)' "$work/$job/slurm-cocola_train-${!job}.out")" 2
done

# ---- parts of a data set ----

wait_until has_ended "$check"
cd "$work/parts"
expect "parts and their check succeed" equals "$(state "$check")" COMPLETED
expect "the part that was stopped alone was started again" equals "$(sort starts | xargs)" '0/3 1/3 2/3 2/3'
expect "the shards are those of one undisturbed run" same_files "$music/shards/tiny" shards/tiny
expect "the check finds nothing to build" contains slurm-cocola_preprocess-"$check"_0.out ' 0 of them built now'

# ---- what is not started again ----

wait_until has_ended "$capped"
cd "$work/capped"
expect "a job is started again as often as allowed" equals "$(wc -l <starts)" 2
expect "and then ends as stopped" equals "$(state "$capped") $(field "$capped" ExitCode)" 'FAILED 75:0'
expect "and says so" contains "slurm-cocola_train-$capped.out" COCOLA_MAX_RESTARTS
expect "a rank may use every core of its job" equals "$(sort -u starts)" "$(nproc)"

wait_until has_ended "$failing"
expect "a failure is final" equals \
  "$(state "$failing") $(field "$failing" ExitCode) $(field "$failing" Restarts)" 'FAILED 2:0 0'

wait_until test -e "$work/cancelled/started"
scancel "$cancelled"
wait_until has_left_the_queue "$cancelled"
expect "the program of a cancelled job is asked to stop" test -e "$work/cancelled/asked"
expect "and such a job stays away, though its program says 75" equals \
  "$(state "$cancelled") $(field "$cancelled" Restarts)" 'CANCELLED 0'

# ---- evaluation ----

wait_until has_ended "$eval"
expect "the evaluation succeeds" equals "$(state "$eval")" COMPLETED
expect "and prints its table" contains "$work/eval/slurm-cocola_eval-$eval.out" '^ *8 .*12.5 %$'
