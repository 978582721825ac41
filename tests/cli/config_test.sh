#!/usr/bin/env bash
# The grammar of d2v as a user meets it: help, errors with exit codes, the effective configuration.
# Needs $D2V, the program.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

# expect STATUS PATTERN ARGUMENT...: runs d2v; its exit status and output (both streams) must match.
expect() {
  local status=$1 pattern=$2 output found=0
  shift 2
  output=$("$D2V" "$@" 2>&1) || found=$?
  if [[ $found -ne $status ]]; then
    echo "d2v $*: expected exit status $status, found $found: $output"
    failures=$((failures + 1))
  elif ! grep -q -e "$pattern" <<<"$output"; then
    echo "d2v $*: expected /$pattern/ in: $output"
    failures=$((failures + 1))
  fi
}

expect 0 'config .*effective configuration' --help
expect 0 '^d2v [0-9]' --version
expect 2 'Commands:'
expect 2 "^d2v: error: unknown command 'cofnig'; did you mean 'config'?" cofnig
expect 0 '--mask.prob' config --help

printf '[mask]\nprob = 0.25\n' >"$work/a.ini"
printf '[mask]\nprob = 0.5\n\n[data]\npath = "a #1"\n' >"$work/b.ini"
printf '[mask]\n\nporb = 0.5\n' >"$work/typo.ini"
printf '[mask]\nprob = 7\n' >"$work/range.ini"

expect 0 '^prob = 0.25$' config "$work/a.ini"
expect 0 '^prob = 0.75$' config "$work/a.ini" --mask.prob 0.75
expect 0 'share of positions hidden' config --comments
expect 2 "typo.ini:3: unknown key 'mask.porb'; did you mean 'mask.prob'?" config "$work/typo.ini"
expect 2 "range.ini:2: mask.prob = '7': expected a number, 0 to 1" config "$work/range.ini"
expect 2 "unknown option '--mask.porb'; did you mean 'mask.prob'?" config --mask.porb 1
expect 3 'none.ini: No such file' config "$work/none.ini"
expect 3 'found no config.ini' config "$work"

expect 0 '^mask.prob *0.25 *0.5$' config diff "$work/a.ini" "$work/b.ini"
expect 0 '^data.path *a #1$' config diff "$work/a.ini" "$work/b.ini"
expect 0 '^no differences$' config diff "$work/a.ini" "$work/a.ini"
expect 2 'expected two' config diff "$work/a.ini"

# What config prints is a recipe that gives the same configuration.
"$D2V" config "$work/b.ini" >"$work/config.ini"
expect 0 '^no differences$' config diff "$work/b.ini" "$work"

# A result that cannot be written is not a success.
status=0
"$D2V" config >/dev/full 2>"$work/errors" || status=$?
if [[ $status -ne 4 ]]; then
  echo "d2v config >/dev/full: expected exit status 4, found $status: $(cat "$work/errors")"
  failures=$((failures + 1))
fi

exit $((failures > 0))
