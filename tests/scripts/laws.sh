# shellcheck shell=bash
# Sourced by tests of shell scripts: runs $script and states laws about what it said and did.
# shellcheck disable=SC2154 # script and work are those of the test

run() { # sets status, said and log ($work/log, where stand-ins write their calls)
  rm -f "$work/log"
  status=0
  said=$(bash "$script" "$@" 2>&1 </dev/null) || status=$?
  log=$(cat "$work/log" 2>/dev/null || true)
}
expect() { # law, then a condition
  local law=$1
  shift
  if ! "$@"; then
    printf 'FAILED: %s\nstatus %s\nsaid:\n%s\nlog:\n%s\n' "$law" "$status" "$said" "$log"
    exit 1
  fi
}
contains() { [[ $1 == *"$2"* ]]; }
lacks() { [[ $1 != *"$2"* ]]; }
equals() { [[ $1 == "$2" ]]; }
