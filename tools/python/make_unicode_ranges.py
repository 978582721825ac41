"""Prints pipeline/unicode_ranges.inc: the letters, numbers and spaces of Unicode, from Python's own tables.

Usage: python3 tools/python/make_unicode_ranges.py > pipeline/unicode_ranges.inc
"""
import unicodedata

# Unicode's property White_Space, which is not a general category.
SPACES = {*range(0x09, 0x0E), 0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000}


def kind(code):
    if code in SPACES:
        return "space"
    return {"L": "letter", "N": "number"}.get(unicodedata.category(chr(code))[0])


def ranges():
    first, current = 0, kind(0)
    for code in range(1, 0x110001):
        now = kind(code) if code < 0x110000 else "end"
        if now != current:
            if current:
                yield first, code - 1, current
            first, current = code, now


print(f"// Unicode {unicodedata.unidata_version}. Made by tools/python/make_unicode_ranges.py; do not edit.")
print("// clang-format off")
for first, last, name in ranges():
    print(f"{{0x{first:x}, 0x{last:x}, CharKind::{name}}},")
print("// clang-format on")
