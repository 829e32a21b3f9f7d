#!/usr/bin/env bash
# Installs the Debian packages that the build and the tests need. Names them first, does
# nothing when nothing is missing, and says what to do where it may not install.
set -euo pipefail

packages=(gcc make pkg-config libzmq3-dev libmsgpack-dev liblmdb-dev libyaml-dev libcmocka-dev
          libgsl-dev liblinear-dev libxgboost-dev python3-numpy zlib1g-dev libjansson-dev libsodium-dev tzdata jq valgrind cppcheck clang-tidy)

missing=()
for package in "${packages[@]}"; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

echo "propfleet needs Debian packages that are not installed: ${missing[*]}"
if [ "$(id -u)" -eq 0 ]; then
    run=()
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    run=(sudo)
else
    echo "No right to install them here. As root:  apt-get install ${missing[*]}" >&2
    exit 1
fi
"${run[@]}" apt-get update -qq
DEBIAN_FRONTEND=noninteractive "${run[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
echo "installed: ${missing[*]}"
