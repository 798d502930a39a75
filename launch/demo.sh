#!/usr/bin/env bash
# The whole of cocola on a fresh machine: installs what is missing, builds, renders songs into stems, preprocesses,
# trains on two ranks, measures accuracy on songs never trained on, and scores two pairs of files.
#
#   launch/demo.sh          97 songs; about a quarter of an hour on 2 cores without a GPU
#   launch/demo.sh --quick  a few songs and steps; about 4 minutes after the build
#
# Environment: COCOLA_PRESET  preset of CMakePresets.json (default: release)
#              COCOLA_JOBS    parallel compilations (default: one per core)
#              COCOLA_VENV    folder of the Python environment (default: .venv in the project)
set -euo pipefail
project=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
COCOLA_VENV=$(realpath -m "${COCOLA_VENV:-$project/.venv}")
export COCOLA_VENV
cd "$project"

config=configs/demo.yaml
stems=.demo/stems
seconds=120
songs=(/usr/share/games/openttd/baseset/openmsx/*.mid
       /usr/share/games/doom/freedoom1.wad /usr/share/games/doom/freedoom2.wad)
case ${1:-} in
  "") ;;
  --quick)
    config=configs/demo_quick.yaml
    stems=.demo/quick_stems
    seconds=40
    songs=(/usr/share/games/openttd/baseset/openmsx/*.mid)
    ;;
  *) echo "usage: launch/demo.sh [--quick]" >&2; exit 2 ;;
esac

begin() { SECONDS=0; printf '\n== %s\n' "$*" >&2; }
end() { printf '   (%d s)\n' "$SECONDS" >&2; }

begin "setting up the machine"
bash cmake/setup.sh
end

begin "building"
preset=${COCOLA_PRESET:-release}
bin=build/$preset/bin
cmake --preset "$preset" -DCOCOLA_PYTHON="$COCOLA_VENV/bin/python3" >build-configure.log 2>&1 ||
  { cat build-configure.log >&2; exit 1; }
rm -f build-configure.log
cmake --build --preset "$preset" --parallel "${COCOLA_JOBS:-$(nproc)}" --target \
  cocola_render_midi cocola_preprocess cocola_ddp cocola_eval cocola_score cocola_inspect >&2
end

begin "rendering songs into stems"
"$bin/cocola_render_midi" --soundfont /usr/share/sounds/sf2/TimGM6mb.sf2 --out "$stems" --seconds "$seconds" \
  "${songs[@]}"
end

begin "preprocessing"
"$bin/cocola_preprocess" --config "$config"
end

begin "training on two ranks"
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
mpirun --oversubscribe --bind-to none -np 2 "$bin/cocola_ddp" --config "$config"
end

begin "accuracy on songs never trained on"
"$bin/cocola_eval" --config "$config"
end

# Two songs of the test split, and of each its two largest stems: those that play most.
begin "scores"
shards=$(sed -n 's/^ *shards: *//p' "$config")
mapfile -t test_songs < <("$bin/cocola_inspect" --json "$shards"/test-*.h5 | "$COCOLA_VENV/bin/python3" -c '
import json, sys
print(*(track["name"] for file in json.load(sys.stdin)["files"] for track in file["track_list"]), sep="\n")')
largest_stems() { find "$stems/$1" -type f -printf '%s %p\n' | sort -rn | sed -n '1,2s/^[0-9]* //p'; }
mapfile -t first < <(largest_stems "${test_songs[0]}")
mapfile -t second < <(largest_stems "${test_songs[1]}")
echo "A true pair: two stems of one song."
"$bin/cocola_score" --config "$config" "${first[0]}" "${first[1]}"
echo "A mismatched pair: stems of two songs."
"$bin/cocola_score" --config "$config" "${first[0]}" "${second[1]}"
end
