#!/usr/bin/env bash
# Installs what NoPeek needs on Debian 12 or newer, and nothing that is there already. Offline it works if nothing is missing.
#   scripts/install-deps.sh        to build, run and test
#   scripts/install-deps.sh --ci   also what CI checks with
set -eu

packages=(
  # build
  g++ cmake ninja-build pkg-config libimgui-dev libglfw3-dev libgl-dev python3-glad libeigen3-dev doctest-dev libstb-dev
  libfreetype-dev nlohmann-json3-dev libcli11-dev libutf8proc-dev libcgif-dev
  # run
  fonts-inter fonts-jetbrains-mono fonts-noto-core libgl1-mesa-dri
  # test without a display
  xvfb xauth
)
[ "${1:-}" = --ci ] && packages+=(clang-format git clang-19 libclang-rt-19-dev)

if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
  echo "This script knows Debian and its relatives only. Install these, under your system's names, by hand:" >&2
  echo "  ${packages[*]}" >&2
  exit 1
fi

missing=()
for package in "${packages[@]}"; do
  status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then
  echo "All packages that NoPeek needs are installed."
  exit 0
fi

root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "Packages are missing, and neither root nor sudo is here to install them. As root, run:" >&2
    echo "  apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 1
  fi
  root=(sudo)
fi
echo "Installing: ${missing[*]}"
"${root[@]}" apt-get update -q || echo "The list of packages could not be renewed; trying with the old one." >&2
if ! "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}"; then
  echo "Installing failed: see above. A network connection, or a Debian 12 (bookworm) or newer, may be missing." >&2
  exit 1
fi
