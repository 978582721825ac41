// doctest for our tests. Include it after every other header: LibTorch defines CHECK and friends too, and
// whichever comes last wins. A LibTorch CHECK in a test would end the whole program at the first failure.
#pragma once

#undef CHECK
#undef CHECK_EQ
#undef CHECK_NE
#undef CHECK_LE
#undef CHECK_LT
#undef CHECK_GE
#undef CHECK_GT

#include <doctest/doctest.h>
