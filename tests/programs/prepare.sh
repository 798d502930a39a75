#!/usr/bin/env bash
# Makes what the program tests share: a few rendered songs, their shards and a model trained on two ranks.
#   prepare.sh BIN CONFIG OUT
set -euo pipefail
bin=$1 config=$2 out=$3
rm -rf "$out"
mkdir -p "$out"
cd "$out"
"$bin/cocola_render_midi" --soundfont /usr/share/sounds/sf2/TimGM6mb.sf2 --out data/tiny --songs 10 --seconds 16 \
  /usr/share/games/openttd/baseset/openmsx/*.mid
"$bin/cocola_preprocess" --config "$config"
mpirun --oversubscribe --bind-to none -np 2 "$bin/cocola_ddp" --config "$config"
