# shellcheck shell=bash
# Sourced by scripts that start a program of cocola: how it is asked to stop in good order.

# run_stoppable SIGNALS COMMAND [ARGUMENT...]
# Runs COMMAND, and passes each of SIGNALS on to it as SIGUSR1, which mpirun and srun hand to their
# ranks at once; a second SIGINT becomes SIGTERM, which ends mpirun. Returns the status of COMMAND.
# In the background, because bash holds a trap back as long as a program runs in the foreground.
run_stoppable() {
  local signal status=0
  stoppable_child='' stoppable_signals=''
  for signal in $1; do
    # shellcheck disable=SC2064 # the signal of this turn
    trap "pass_on $signal" "$signal"
  done
  shift
  "$@" </dev/null &
  stoppable_child=$!
  # A trap interrupts wait, and bash remembers the status of a child that has ended.
  while kill -0 "$stoppable_child" 2>/dev/null; do wait "$stoppable_child" || true; done
  wait "$stoppable_child" || status=$?
  # What dies of the signal was still being loaded, and had nothing to save.
  if [[ -n $stoppable_signals ]] && ((status == 128 + $(kill -l USR1))); then status=75; fi
  return "$status"
}

pass_on() {
  local signal=USR1
  if [[ $1 == INT && $stoppable_signals == *INT* ]]; then signal=TERM; fi
  stoppable_signals+=" $1"
  if [[ -n $stoppable_child ]]; then kill -"$signal" "$stoppable_child" 2>/dev/null || true; fi
}
