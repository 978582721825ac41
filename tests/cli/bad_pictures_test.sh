#!/usr/bin/env bash
# What `d2v pretrain` makes of folders and pictures that are not what they should be.
set -euo pipefail
# shellcheck source=tests/cli/train_fixture.sh
. "$(dirname "$0")/train_fixture.sh"

short=(--run.updates 10)

# refused STATUS WORDS OPTION…: the command ends with the status and these words, and makes no run folder.
refused() {
  local status=$1 words=$2
  shift 2
  expect "$status" train refused "${short[@]}" "$@"
  said "$words"
  [ ! -e "$work/refused/run" ] || die "a run folder was made: $*"
}

echo "== folders"
mkdir "$work/empty" "$work/texts"
echo "no picture" >"$work/texts/notes.txt"
refused 3 "$work/empty" --data.path "$work/empty"
refused 3 "$work/texts" --data.path "$work/texts"
refused 3 "$work/absent" --data.path "$work/absent"
refused 3 "1.ppm" --data.path "$work/pictures/b/1.ppm"
refused 2 "data.batch" --data.batch 41
refused 2 "image.patch" --image.patch 5
refused 2 "mask.prob" --mask.prob 1
refused 2 "did you mean 'mask.prob'" --mask.porb 0.5

echo "== one broken picture among forty"
: >"$work/pictures/a/2.ppm"
expect 3 train strict "${short[@]}"
said "a/2.ppm"
expect 0 train lenient "${short[@]}" --data.max_bad_fraction 0.1
said "skipped.tsv"
grep -q '^a/2.ppm	' "$work/lenient/run/skipped.tsv" || die "skipped.tsv does not name the file"

echo "== odd pictures that can be read"
cp "$work/pictures/a/4.ppm" "$work/pictures/a/2.ppm"
printf 'P6\n1 1\n255\nabc' >"$work/pictures/a/tiny.ppm"
cp "$work/pictures/a/6.ppm" "$work/pictures/a/called.jpg"
expect 0 train odd "${short[@]}"
[ ! -e "$work/odd/run/skipped.tsv" ] || die "readable pictures were skipped: $(cat "$work/odd/run/skipped.tsv")"

echo "== all broken"
for file in "$work"/pictures/*/*; do : >"$file"; done
expect 3 train broken "${short[@]}"
said "data.max_bad_fraction"
