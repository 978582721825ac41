#!/usr/bin/env bash
# kernels.sh TARGET: the tests of everything that is compiled per instruction set, with D2V_SIMD=TARGET.
# Needs $D2V, $TEST_NN, $TEST_DECODERS, $TEST_MODEL, the programs. Exit status 77: this processor lacks TARGET.
set -euo pipefail

export D2V_SIMD=$1
if ! message=$("${D2V:?}" --version 2>&1); then
  echo "skipped: $message"
  [[ $message == *"that this processor has"* ]] || exit 1
  exit 77
fi

# Exit status 77 of a test program: what it needs to read is not there.
run() {
  local status=0
  "$@" || status=$?
  [[ $status == 0 || $status == 77 ]] || exit "$status"
}

run "${TEST_NN:?}" --source-file='*/nn/simd_test.cpp,*/nn/*kernels_test.cpp,*/nn/panel_product_test.cpp,*/nn/fused_*_test.cpp,*/nn/block_test.cpp,*/nn/grouped_conv_test.cpp'
run "${TEST_DECODERS:?}"
run "${TEST_MODEL:?}" --source-file='*/model/data2vec2_test.cpp,*/model/alibi_test.cpp,*/model/padding_test.cpp,*/model/mae_test.cpp,*/model/losses_test.cpp,*/model/targets_test.cpp'

golden=${D2V_TEST_DATA:-${D2V_REPO_ROOT:?}/../shared}/golden
if [[ -d $golden/image_base ]]; then "${GOLDEN_REPLAY:?}" "$golden"/{image,audio,text}_*; fi
