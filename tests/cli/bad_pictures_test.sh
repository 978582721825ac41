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

echo "== unreadable folders"
# Root reads what it likes, unless it gives that up.
if ((EUID != 0)); then without_rights=(); else without_rights=(setpriv --bounding-set=-all --inh-caps=-all); fi
mkdir -p "$work/shut/a" "$work/shut/b"
chmod 000 "$work/shut/b"
if "${without_rights[@]}" true && ! "${without_rights[@]}" ls "$work/shut/b" >"$work/output" 2>&1; then
  program=$D2V
  printf '#!/bin/sh\nexec %s "$@"\n' "${without_rights[*]} '$program'" >"$work/d2v"
  chmod 755 "$work/d2v"
  D2V=$work/d2v
  refused 3 "shut/b: cannot read this folder (Permission denied)" --data.path "$work/shut"
  refused 3 "shut/b: cannot read this folder (Permission denied)" --data.path "$work/shut/b"
  D2V=$program
  chmod 755 "$work/shut/b"
else
  echo "SKIPPED cli/bad_pictures_test: unreadable folders (this user reads a folder of mode 000; needs setpriv)"
fi

echo "== one broken picture among forty"
: >"$work/pictures/a/2.ppm"
expect 3 train strict "${short[@]}"
said "a/2.ppm"
expect 0 train lenient "${short[@]}" --data.max_bad_fraction 0.1
said "skipped.tsv"
grep -q '^a/2.ppm	' "$work/lenient/run/skipped.tsv" || die "skipped.tsv does not name the file"

echo "== a picture of 20,000 x 20,000 among forty"
printf 'P6\n20000 20000\n255\nabc' >"$work/pictures/a/2.ppm"
expect 0 train huge "${short[@]}" --data.max_bad_fraction 0.1
[ "$(cut -f 1,3 "$work/huge/run/skipped.tsv")" = "path	reason
a/2.ppm	20000x20000 is more than data.max_pixels 178956970" ] ||
  die "skipped.tsv should name the picture and its size: $(cat "$work/huge/run/skipped.tsv")"

echo "== one broken picture among a thousand, at the default data.max_bad_fraction"
mkdir "$work/thousand"
text=$(seq 1100 2100)
for i in $(seq 0 999); do printf 'P6\n16 16\n255\n%s' "${text:$((i * 4)):768}" >"$work/thousand/$i.ppm"; done
: >"$work/thousand/500.ppm"
expect 0 train thousand --data.path "$work/thousand" --data.batch 40 --run.updates 1ep
said "warning: 1 pictures were left out"
[ "$(cut -f 1 "$work/thousand/run/skipped.tsv")" = "path
500.ppm" ] || die "skipped.tsv should name one file: $(cat "$work/thousand/run/skipped.tsv")"

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
