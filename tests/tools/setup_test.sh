#!/usr/bin/env bash
# tools/setup.sh: what goes wrong leaves nothing half-installed, and what is there is left alone.
# Nothing is downloaded: pip is pointed at a folder of this test.
set -euo pipefail

repo=${D2V_REPO_ROOT:?set D2V_REPO_ROOT to the root of the repository}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export D2V_CACHE=$work/cache D2V_NO_APT=1 PIP_NO_INDEX=1 PIP_FIND_LINKS=$work/wheels
unset LIBTORCH_ROOT
mkdir -p "$PIP_FIND_LINKS"

fail() {
  printf 'FAILED: %s\n--- output:\n%s\n' "$*" "$(cat "$work/out")" >&2
  exit 1
}

setup() { "$repo/tools/setup.sh" "$@" > "$work/out" 2>&1; }
expect_failure() { if setup "$@"; then fail "expected setup.sh $* to fail"; fi; }
expect_text() { grep -q -- "$1" "$work/out" || fail "expected '$1' in the output"; }

expect_nothing_left() {
  local left
  left=$(find "$D2V_CACHE" -mindepth 1 ! -name .setup.lock)
  [[ -z $left ]] || fail "expected an empty cache, found: $left"
}

fake_libtorch() {
  mkdir -p "$1/torch/lib" "$1/torch/include/ATen"
  touch "$1/torch/lib/libtorch_cpu.so" "$1/torch/include/ATen/ATen.h"
}

# An unknown option
expect_failure --frobnicate
expect_text "frobnicate"

# No wheel to be had
expect_failure
expect_text "Nothing was installed"
expect_nothing_left

# A wheel that is cut or changed
printf 'half a wheel' > "$PIP_FIND_LINKS/torch-2.11.0-cp311-cp311-manylinux_2_28_x86_64.whl"
expect_failure
expect_nothing_left

# What a killed run left behind goes away
mkdir -p "$D2V_CACHE/.setup.1.part/libtorch"
expect_failure
expect_nothing_left

# LIBTORCH_ROOT: a folder without LibTorch is named, one with it is enough
mkdir "$work/empty"
LIBTORCH_ROOT=$work/empty expect_failure
expect_text "LIBTORCH_ROOT=$work/empty"
fake_libtorch "$work/own"
LIBTORCH_ROOT=$work/own setup || fail "expected LIBTORCH_ROOT to be used"
expect_nothing_left

# A folder that is complete is left alone, within 3 s; one from other lists or of a lower level is not taken
lists=$(sha256sum < "$repo/tools/requirements-libtorch.txt" | cut -c1-16)
fake_libtorch "$D2V_CACHE/libtorch-2.11.0"
echo "cpu $lists" > "$D2V_CACHE/libtorch-2.11.0/.d2v"
SECONDS=0
setup || fail "expected a finished LibTorch to be taken"
((SECONDS < 3)) || fail "a second run took $SECONDS s"
[[ ! -s $work/out ]] || fail "expected a second run to say nothing"
expect_failure --cuda-build
[[ -f $D2V_CACHE/libtorch-2.11.0/.d2v ]] || fail "a failed upgrade lost what was there"
echo "cpu 0000000000000000" > "$D2V_CACHE/libtorch-2.11.0/.d2v"
expect_failure

# A disk that is full is named before anything is fetched: the cache's, and pip's where it is another
mkdir "$work/bin"
cat > "$work/bin/df" << 'END'
#!/bin/sh
echo "Filesystem 1048576-blocks Used Available Capacity Mounted on"
case $* in
  */shm*) echo "tmpfs 64 0 ${FAKE_FREE_SHM:-99999} 0% /dev/shm" ;;
  *) echo "/dev/disk 99999 0 ${FAKE_FREE:-99999} 0% /mnt/disk" ;;
esac
END
chmod 755 "$work/bin" "$work/bin/df"
rm -r "$D2V_CACHE/libtorch-2.11.0"
FAKE_FREE=100 PATH=$work/bin:$PATH expect_failure
expect_text "MB free for $D2V_CACHE, found 100 MB in /mnt/disk"
expect_nothing_left
if [[ -d /dev/shm && $(stat -c %d /dev/shm) != $(stat -c %d "$work") ]]; then
  FAKE_FREE_SHM=10 PIP_CACHE_DIR=/dev/shm/d2v_pip PATH=$work/bin:$PATH expect_failure
  expect_text "MB free for pip's cache in /dev/shm/d2v_pip, found 10 MB in /dev/shm"
  FAKE_FREE_SHM=10 PIP_NO_CACHE_DIR=1 PATH=$work/bin:$PATH expect_failure
  expect_text "Nothing was installed"
else
  echo "SKIPPED tools/setup_test: room for pip's cache on another disk (no /dev/shm on a disk of its own)"
fi

# Debian packages: when not root, the one command is printed; what only the checks need is asked for with --checks only
readonly NOBODY=(setpriv --reuid=65534 --clear-groups)
as_nobody() { D2V_NO_APT="" D2V_CACHE=$work/nobody/cache PATH=$work/bin:$PATH "${NOBODY[@]}" "$repo/tools/setup.sh" "$@"; }
if ((EUID == 0)) && command -v setpriv > /dev/null && "${NOBODY[@]}" test -x "$repo/tools/setup.sh"; then
  mkdir -m 777 "$work/nobody"
  chmod 755 "$work"
  printf '#!/bin/sh\nexit 1\n' > "$work/bin/dpkg-query"
  chmod 755 "$work/bin/dpkg-query"
  if as_nobody > "$work/out" 2>&1; then fail "expected missing packages to stop a user who is not root"; fi
  expect_text "sudo sh -c 'apt-get update && apt-get install -y --no-install-recommends"
  expect_text "ninja-build"
  ! grep -q clang-tidy "$work/out" || fail "expected no packages of the checks without --checks"
  if as_nobody --checks > "$work/out" 2>&1; then fail "expected missing packages to stop a user who is not root"; fi
  expect_text "ninja-build"
  expect_text "clang-tidy"
else
  echo "SKIPPED tools/setup_test: Debian packages for a user who is not root (needs root, setpriv and a repository that all can read)"
fi

echo "setup.sh: all cases passed"
