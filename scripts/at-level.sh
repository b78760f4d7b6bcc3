#!/usr/bin/env bash
# Runs a program of the portable build as a machine of a lower level would:
#   scripts/at-level.sh x86-64-v2 build/portable/nopeek --version
# Its exit status is the program's; 77 if this machine does not have the level.
set -eu
level=$1
shift
loader=/lib64/ld-linux-x86-64.so.2  # its place is part of the ABI
if ! "$loader" --help | grep "^  $level (supported" >/dev/null; then
  echo "SKIPPED: this machine does not have the level $level"
  exit 77
fi
exec "$loader" --glibc-hwcaps-mask "$level" "$@"
