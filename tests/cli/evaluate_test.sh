#!/usr/bin/env bash
# inspect, probe, embed and report on a run of a few seconds, and what they say when something is missing.
set -euo pipefail
# shellcheck source=tests/cli/train_fixture.sh
. "$(dirname "$0")/train_fixture.sh"

d2v() { (cd "$work" && exec "$D2V" "$@") >"$work/output" 2>&1; }

# The user's own parts: 14 + 3 + 3 pictures of each class.
for i in $(seq 40); do
  if [ "$i" -le 28 ]; then part=train; elif [ "$i" -le 34 ]; then part=valid; else part="test"; fi
  mkdir -p "$work/parts/$part/a" "$work/parts/$part/b"
  cp "$work"/pictures/?/"$i.ppm" "$work/parts/$part/$([ $((i % 2)) = 0 ] && echo a || echo b)/"
done

expect 0 train folder --run.updates 10
run=folder/run

expect 0 d2v inspect recipe.ini
said 'blocks.1.mlp.fc2.weight'
said '4 x 4 = 16 patches, 1 extra token'
expect 0 d2v inspect "$run"
said 'update 10'
expect 0 d2v inspect "$run/checkpoints/update_00000010.safetensors"
said 'samples_seen 80'

expect 0 d2v probe "$run" --data.path parts
for row in 'trained teacher' 'trained student' 'untrained' 'raw pixels' 'kNN probe: the trained teacher' 'linear probe:'; do
  said "$row"
done
grep -q '"command": "d2v probe folder/run --data.path parts"' "$work/$run/probe.json" || die 'probe.json lacks its command'
expect 0 d2v probe "$run" --data.path parts --layer best --pooling cls --probe.k 5 --out other.json
[ -s "$work/other.json" ] || die 'no other.json'

# Folds: every picture is tested once; digits of the names stand for the groups that are left out.
expect 0 d2v probe "$run" --data.path parts --folds 4 --out folds.json
said '40 pictures in 4 folds (1, 2, 3, 4)'
for part in '"correct"' '"fold": "4"'; do
  grep -q -- "$part" "$work/folds.json" || die "folds.json lacks $part"
done
expect 0 d2v probe "$run" --data.path parts --leave-out '([0-9])\.ppm$'
said 'in 10 folds (0, 1,'
expect 0 d2v report "$run" --no-pictures
grep -q 'in 10 folds' "$work/$run/report.html" || die 'the report does not tell of folds'
expect 0 d2v probe "$run" --data.path parts
expect 2 d2v probe "$run" --data.path parts --folds 4 --leave-out '([0-9])\.ppm$'
said 'not both'
expect 2 d2v probe "$run" --data.path parts --folds 2
said 'at least 3'
expect 3 d2v probe "$run" --data.path parts --folds 30
said 'fewer folds'
expect 3 d2v probe "$run" --data.path parts --leave-out '_([a-z]+)_'
said 'finds no group'

expect 0 d2v embed "$run" --data.path parts --out features.npy
said '40 pictures, features (40, 64)'
[ "$(wc -l <"$work/features.tsv")" = 41 ] || die 'features.tsv does not name 40 rows'
expect 0 d2v embed "$run" --data.path parts --out all.safetensors --tokens all --layer 1 --network student --dump-input in.safetensors
said '(40, 1, 17, 32)'

expect 0 d2v report "$run"
said 'written: folder/run/report.html'
for part in 'Probes of frozen features' 'What the student sees' 'Nearest neighbours' 'trained by <code>d2v pretrain' \
  'data:image/png;base64,'; do
  grep -q -- "$part" "$work/$run/report.html" || die "the report lacks '$part'"
done
expect 0 train second --run.updates 10 --run.seed 2
expect 0 d2v report "$run" second/run --out compare.html
grep -q 'run.seed' "$work/compare.html" || die 'the comparison lacks the difference of seeds'
expect 2 d2v report "$run" second/run --reference-out reference.tsv
said 'at least as many logged losses'

# Bad input: what is wrong, where, and an exit code that says whose fault it is.
expect 3 d2v probe nowhere --data.path parts
said 'nowhere: no such run'
mkdir "$work/empty"
expect 3 d2v report empty
said 'not a run folder'
cp -r "$work/$run" "$work/bare" && rm -r "$work/bare/checkpoints"
expect 3 d2v probe bare --data.path parts
expect 0 d2v report bare
said 'no checkpoint yet'
mkdir "$work/few" && cp "$work"/pictures/a/2.ppm "$work"/pictures/a/4.ppm "$work/few"
expect 0 d2v report "$run" --data.path few --out few.html
said 'warning: no neighbour strips in the report'
grep -q '2 readable pictures are too few' "$work/few.html" || die 'the report does not say what is missing'
expect 3 d2v probe "$run" --data.path parts/train/a
said 'one per class'
expect 3 d2v probe "$run" --data.path parts --probe.k 500
said 'k = 500'
expect 3 d2v probe "$run" --data.path nowhere
expect 2 d2v probe "$run" --data.path parts --layer 7
said 'from 1 to 3'
expect 2 d2v probe "$run" --data.path parts --model.dim 64
said 'model.dim cannot be changed'
expect 2 d2v embed "$run" --data.path parts
said '--out'
expect 2 d2v embed "$run" --data.path parts --out features.csv
head -c 3000 "$work/$run/checkpoints/update_00000010.safetensors" >"$work/cut.safetensors"
expect 3 d2v probe cut.safetensors --data.path parts

# gnuplot missing: a report without plots says so.
mkdir "$work/path"
(cd "$work" && PATH="$work/path" "$D2V" report "$run" --no-pictures) >"$work/output" 2>&1 || die 'no report without gnuplot'
said 'gnuplot was not found'
grep -q 'gnuplot was not found' "$work/$run/report.html" || die 'the report does not say that gnuplot is missing'
