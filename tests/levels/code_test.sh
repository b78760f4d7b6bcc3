#!/usr/bin/env bash
# Looks into the machine code of a portable build: tests/levels/code_test.sh LEVEL LIBRARY PROGRAM...
# The library must use the widest registers of its level and none beyond, the programs those of any x86-64. A function that
# the library has must not be looked up when it is loaded: the loader would take the program's copy, compiled for any x86-64.
set -eu
declare -A widest_of=([x86-64-v2]=%xmm [x86-64-v3]=%ymm [x86-64-v4]=%zmm)
level=$1 library=$2
shift 2

failed=0
expect_widest() {
  local found
  found=$(objdump -d --no-show-raw-insn "$2" | grep -oE '%[xyz]mm' | sort -u | tail -1)
  [ "$found" = "$1" ] || { echo "$2: the widest registers are $found, not $1"; failed=1; }
}
expect_widest "${widest_of[$level]}" "$library"
for program in "$@"; do expect_widest %xmm "$program"; done

symbols=$(readelf --dyn-syms -W "$library" | awk '$4 == "FUNC" && $7 != "UND" { print $8 }' | sort)
[ -n "$symbols" ] || { echo "$library: has no functions"; failed=1; }
looked_up=$(readelf -rW "$library" | awk '$3 ~ /JUMP_SLO|GLOB_DAT|_64$/ { print $5 }' | sort -u)
own=$(comm -12 <(echo "$symbols" | sort -u) <(echo "$looked_up"))
[ -z "$own" ] || { echo "$library: its own functions are looked up by name:"; echo "$own" | c++filt; failed=1; }
exit $failed
