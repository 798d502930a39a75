#!/usr/bin/env bash
# Laws of launch/run_local.sh, with stand-ins for the launcher, the trainer and the tool that counts GPUs.
#   run_local_test.sh <launch/run_local.sh>
set -euo pipefail
script=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export COCOLA_BIN=$work PATH="$work:$PATH"
unset CUDA_VISIBLE_DEVICES OMP_WAIT_POLICY

stand_in() { # name, body
  printf '#!/bin/bash\n%s\n' "$2" >"$work/$1"
  chmod +x "$work/$1"
}
gpus() { stand_in nvidia-smi "for ((i = 0; i < $1; ++i)); do echo \"GPU \$i: name\"; done"; }
launcher_ends_with() {
  stand_in mpirun "echo \"mpirun \$*\" >>'$work/log'; echo \"wait \$OMP_WAIT_POLICY\" >>'$work/log'; exit $1"
}
stand_in cocola_ddp "echo \"alone \$* wait \${OMP_WAIT_POLICY-}\" >>'$work/log'; exit 75"

# shellcheck source=tests/scripts/laws.sh
source "$(dirname "${BASH_SOURCE[0]}")/laws.sh"

gpus 0
launcher_ends_with 0
run a.yaml --set training.epochs=3
expect 'without a GPU one rank runs, without a launcher' \
  equals "$log" 'alone --config a.yaml --set training.epochs=3 wait '
expect 'the status is that of the trainer' equals "$status" 75

gpus 4
run a.yaml --set b=c
expect 'each GPU gets a rank' contains "$log" "-np 4 $work/cocola_ddp --config a.yaml --set b=c"
expect 'ranks are not bound' contains "$log" '--bind-to none'
expect 'ranks that share cores do not spin' contains "$log" 'wait passive'
expect 'success is success' equals "$status" 0
OMP_WAIT_POLICY=active run a.yaml
expect 'unless the user wants them to' contains "$log" 'wait active'
CUDA_VISIBLE_DEVICES=2,3 run a.yaml
expect 'only visible GPUs count' contains "$log" '-np 2 '
CUDA_VISIBLE_DEVICES='' run a.yaml
expect 'no visible GPU is none' contains "$log" 'alone --config a.yaml'
run --ranks 3 a.yaml
expect 'the number of ranks may be given' contains "$log" '-np 3 '

launcher_ends_with 1
run a.yaml
expect 'a failure is a failure' equals "$status" 1
launcher_ends_with 75
run a.yaml
expect 'a stop is not repeated' equals "$(grep -c ^mpirun <<<"$log")" 1
expect 'a stop keeps its status' equals "$status" 75
expect 'a stop says how to go on' contains "$said" 'the same command continues the work'

stand_in mpirun "trap 'echo asked >>\"$work/log\"; exit 75' USR1
  trap 'echo ended >>\"$work/log\"; exit 1' INT TERM HUP
  echo up >>'$work/log'; kill -\$SIGNAL \$PPID; for ((i = 0; i < 100; ++i)); do sleep 0.1; done; exit 3"
for SIGNAL in INT TERM HUP USR1; do
  export SIGNAL
  run a.yaml
  expect "SIG$SIGNAL becomes a request to stop" equals "$log $status" $'up\nasked 75'
done
stand_in mpirun "kill -TERM \$PPID; exec sleep 10"
run a.yaml
expect 'what was stopped while it was loaded has lost nothing' equals "$status" 75
stand_in mpirun "kill -USR1 \$\$"
run a.yaml
expect 'a signal that nobody asked for is a failure' equals "$status" 138
stand_in mpirun "trap 'echo asked >>\"$work/log\"; kill -INT \$PPID' USR1
  trap 'echo ended >>\"$work/log\"; exit 1' TERM
  kill -INT \$PPID; for ((i = 0; i < 100; ++i)); do sleep 0.1; done; exit 3"
run a.yaml
expect 'a second Ctrl-C ends it at once' equals "$log $status" $'asked\nended 1'

for wrong in '' '--ranks' '--ranks 0 a.yaml' '--ranks 2' '--everything a.yaml'; do
  # shellcheck disable=SC2086 # words
  run $wrong
  expect "'$wrong' is wrong usage" equals "$status" 2
  expect "'$wrong' starts nothing" equals "$log" ''
  expect "'$wrong' is answered with the usage" contains "$said" 'Usage: launch/run_local.sh'
done
run --help
expect 'help is no failure' equals "$status" 0
rm "$work/cocola_ddp"
run a.yaml
expect 'a program that was not built is a failure' equals "$status" 1
expect 'and is named' contains "$said" "$work/cocola_ddp is not there"
