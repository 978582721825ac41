#!/usr/bin/env bash
# tools/quickstart.sh: where paths point, and what a probe or a download that fails does to the rest.
# A stub stands for d2v: it writes down how it was called. Nothing is installed, built or downloaded.
set -euo pipefail

repo=${D2V_REPO_ROOT:?set D2V_REPO_ROOT to the root of the repository}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/caller/mine/a" "$work/bin"
export D2V_BIN=$work/bin/d2v D2V_CACHE=$work/cache CALLS=$work/calls
export PROBE_STATUS=0 PRETRAIN_STATUS=0

cat > "$D2V_BIN" << 'END'
#!/bin/sh
echo "$*" >> "$CALLS"
case $1 in
  pretrain) exit "$PRETRAIN_STATUS" ;;
  probe)
    [ "$PROBE_STATUS" = 0 ] || echo "d2v: error: the stub's reason" >&2
    exit "$PROBE_STATUS"
    ;;
esac
END
chmod +x "$D2V_BIN"

fail() {
  printf 'FAILED: %s\n--- output:\n%s\n--- calls:\n%s\n' "$*" "$(cat "$work/out")" "$(cat "$CALLS")" >&2
  exit 1
}

# quickstart STATUS ARGUMENT...: the script, started in $work/caller, must end with that status.
quickstart() {
  local wanted=$1 found=0
  shift
  : > "$CALLS"
  (cd "$work/caller" && exec "$repo/tools/quickstart.sh" "$@") > "$work/out" 2>&1 || found=$?
  [[ $found == "$wanted" ]] || fail "status $found instead of $wanted: quickstart.sh $*"
}
expect_text() { grep -qF -- "$1" "$work/out" || fail "expected '$1' in the output"; }
expect_no_text() { ! grep -qF -- "$1" "$work/out" || fail "expected no '$1' in the output"; }
expect_call() { grep -qF -- "$1" "$CALLS" || fail "expected a call of d2v with '$1'"; }
expect_no_call() { ! grep -q -- "^$1" "$CALLS" || fail "expected no call of 'd2v $1'"; }

echo "== relative paths are the caller's"
quickstart 0 --data mine --out runs/first
expect_call "pretrain recipes/image_quickstart.ini --data.path $work/caller/mine --run.dir $work/caller/runs/first"
expect_call "probe $work/caller/runs/first --data.path $work/caller/mine"
expect_call "report $work/caller/runs/first"
expect_text "run folder: $work/caller/runs/first"
D2V_BIN=../bin/d2v quickstart 0 --data "$work/caller/mine"
expect_call "--data.path $work/caller/mine --run.dir $repo/runs/quickstart_image"
D2V_CACHE=here quickstart 0 text --data mine --out runs/text
expect_call "prepare text $work/caller/mine --out $work/caller/runs/text-"

echo "== the recipe's choice of classes is not for one's own pictures"
quickstart 0 --data mine
expect_call "--data.min_class_files 1"

echo "== own pictures that cannot be probed"
PROBE_STATUS=3 quickstart 0 --data mine --out run
expect_text "the stub's reason"
expect_text "No probe: it wants labelled pictures"
expect_call "report $work/caller/run"
expect_text "report:     $work/caller/run/report.html"

echo "== a probe that breaks down"
PROBE_STATUS=1 quickstart 1 --data mine --out run
expect_text "The probe failed with exit status 1"
expect_call "report $work/caller/run"

echo "== a pretraining that fails or is interrupted ends the script"
PRETRAIN_STATUS=130 quickstart 130 --data mine --out run
expect_no_call probe
expect_no_call report

echo "== arguments"
quickstart 1 --data absent
expect_text "found '$work/caller/absent', which is none"
quickstart 1 --data ""
expect_text "expected a value after --data"
quickstart 1 --data mine --minutes 0
quickstart 1 --frobnicate
[[ ! -s $CALLS ]] || fail "expected d2v not to be called"
D2V_BIN=absent quickstart 1 --data mine
expect_text "D2V_BIN: expected a program, found '$work/caller/absent'"

echo "== a package that is not what it was"
if [[ -d /usr/share/asterisk/sounds ]]; then
  echo "SKIPPED tools/quickstart_test: packages that fail (asterisk-core-sounds-en-wav is installed here)"
else
  printf '#!/bin/sh\ntouch package.deb\n' > "$work/bin/apt-get"
  cat > "$work/bin/dpkg-deb" << 'END'
#!/bin/sh
mkdir -p "$3/$FILES" "$3/usr/share/doc/asterisk-core-sounds-en-wav"
[ -z "$COPYRIGHT" ] || touch "$3/usr/share/doc/asterisk-core-sounds-en-wav/copyright"
END
  chmod +x "$work/bin/apt-get" "$work/bin/dpkg-deb"
  export PATH=$work/bin:$PATH FILES=usr/share/other COPYRIGHT=yes
  quickstart 1 speech
  expect_text "expected usr/share/asterisk/sounds in Debian's asterisk-core-sounds-en-wav"
  expect_no_text "pretraining"
  # A failure that the script has no words for ends it, too: nothing incomplete is taken.
  FILES=usr/share/asterisk/sounds
  COPYRIGHT="" quickstart 1 speech
  expect_no_text "pretraining"
  [[ ! -e $D2V_CACHE/asterisk-core-sounds-en-wav ]] || fail "expected no folder of an incomplete package"
  quickstart 0 speech
  expect_call "--data.path $D2V_CACHE/asterisk-core-sounds-en-wav/files"
  expect_no_call probe
fi

echo "quickstart.sh: all cases passed"
