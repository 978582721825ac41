#!/usr/bin/env bash
# `d2v inspect data` says what is in a data set; broken files are listed and are no error.
set -euo pipefail
# shellcheck source=tests/cli/train_fixture.sh
. "$(dirname "$0")/train_fixture.sh"

# inspect STATUS ARGUMENT…: `d2v inspect data` ends with the status; what it says goes to $work/output.
inspect() {
  local status=$1 got=0
  shift
  "$D2V" inspect data "$@" >"$work/output" 2>&1 || got=$?
  [ "$got" = "$status" ] || die "inspect data $*: expected status $status, found $got"
}

echo "== pictures, with broken ones among them"
: >"$work/pictures/a/2.ppm"
echo "no picture" >"$work/pictures/b/odd.jpg"
echo "notes" >"$work/pictures/notes.txt"
inspect 0 "$work/pictures" "$work/recipe.ini" --seconds 3 --json "$work/report.json"
for words in "a folder of files" "pictures     41" "20 a" "21 b" "a/2.ppm: " "b/odd.jpg: " ".txt (1)" \
  "image.size 16" "a second with 1 thread"; do
  grep -qF -- "$words" "$work/output" || die "expected '$words', found: $(cat "$work/output")"
done
grep -q '"form": "a folder of files"' "$work/report.json" || die "the JSON lacks the form"

echo "== as JSON alone"
inspect 0 "$work/pictures" --seconds 0 --json -
[ "$(head -c 1 "$work/output")" = "{" ] || die "expected nothing but JSON"

echo "== nothing to look at"
mkdir "$work/empty"
inspect 3 "$work/empty"
inspect 3 "$work/absent"
inspect 2 "$work/pictures" --sample 0
"$D2V" inspect model "$work/recipe.ini" >"$work/output" 2>&1 && die "two sources were taken"
grep -q "data PATH" "$work/output" || die "expected a hint at 'data PATH'"
