#!/usr/bin/env bash
# .ci/run: every stage is listed with what became of it, one that cannot run here as skipped and why.
# It runs in a copy of its own, where stubs stand for cmake, the set-up and the fuzz programs.
set -euo pipefail

repo=${D2V_REPO_ROOT:?set D2V_REPO_ROOT to the root of the repository}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/.ci" "$work/tools" "$work/bin" "$work/build/fuzz/bin"
cp "$repo/.ci/run" "$work/.ci/run"
sed 's#/usr/local/cuda/bin/nvcc##; s#command -v nvcc#true#' "$repo/tools/common.sh" > "$work/tools/common.sh" # no toolkit
export D2V_CACHE=$work/cache SETUP_STATUS=0
unset LIBTORCH_ROOT CUDACXX

# stub FILE: a program that does what standard input says.
stub() {
  cat > "$work/$1"
  chmod +x "$work/$1"
}
fail() {
  printf 'FAILED: %s\n--- output:\n%s\n' "$*" "$(cat "$work/out")" >&2
  exit 1
}
# ci STATUS STAGE...: .ci/run of these stages must end with that status.
ci() {
  local wanted=$1 found=0
  shift
  PATH=$work/bin:$PATH "$work/.ci/run" "$@" > "$work/out" 2>&1 || found=$?
  [[ $found == "$wanted" ]] || fail "status $found instead of $wanted: .ci/run $*"
}
expect_text() { grep -q -- "$1" "$work/out" || fail "expected '$1' in the output"; }

stub bin/cmake <<< '#!/bin/sh'
stub tools/setup.sh << 'END'
#!/bin/sh
echo "set-up $*"
exit "$SETUP_STATUS"
END

echo "== cuda: nvcc is asked for, and a stage without it is skipped, not passed"
ci 0 cuda
expect_text "^set-up --cuda-build"
expect_text "^skipped cuda  .* (no nvcc here, and none could be fetched)"
SETUP_STATUS=1 ci 0 cuda
expect_text "^skipped cuda "
mkdir -p "$work/torch"
LIBTORCH_ROOT=$work/torch ci 0 cuda
expect_text "^skipped cuda .* (no torch/lib/libtorch_cuda.so in LIBTORCH_ROOT)"

echo "== cuda: with nvcc it is built; a set-up that fails is a failure"
mkdir -p "$D2V_CACHE/nvcc-13.0.88/nvidia/cu13/bin"
stub cache/nvcc-13.0.88/nvidia/cu13/bin/nvcc <<< '#!/bin/sh'
mkdir -p "$work/build/cuda/bin"
stub build/cuda/bin/test_cuda <<< '#!/bin/sh
echo the kernels are tested'
ci 0 setup cuda
expect_text "^the kernels are tested"
expect_text "^ok      cuda "
SETUP_STATUS=1 ci 1 cuda
expect_text "^FAILED  cuda "

echo "== fuzz: all programs run; one that fails fails the stage"
for name in a b c; do stub "build/fuzz/bin/fuzz_$name" <<< "#!/bin/sh
echo done $name"; done
ci 0 fuzz
for name in a b c; do expect_text "^fuzz_$name: done $name"; done
stub build/fuzz/bin/fuzz_b <<< '#!/bin/sh
echo "the bad input"; exit 77'
ci 1 fuzz
expect_text "the bad input"
expect_text "1 of 3 fuzz programs failed"
expect_text "^fuzz_c: done c"
expect_text "^FAILED  fuzz "

echo "== names"
ci 1 frobnicate
expect_text "found 'frobnicate'"

echo ".ci/run: all cases passed"
