#!/usr/bin/env bash
# Compiles vimc, the virtual media controller camera, which Debian's kernel leaves out. libcamera
# knows it: it is the only camera libcamera can have without hardware.
# Usage: build-vimc.sh KERNEL_VERSION PACKAGES WORK COMPILER
set -euo pipefail
version=$1
packages=$2
work=$3
compiler=$4

mkdir -p "$work/headers"
for package in "$packages"/linux-{headers,kbuild}-*.deb; do dpkg -x "$package" "$work/headers"; done
headers=$work/headers/usr/src/linux-headers-$version
# The headers refer to their common part by where it would be installed.
sed -i "s# /usr/src/# $work/headers/usr/src/#" "$headers/Makefile"

# The driver's few files out of the archive of all the kernel's sources, which is read in passing.
dpkg-deb --fsys-tarfile "$packages"/linux-source-*.deb |
  tar -xO --wildcards '*linux-source*.tar.xz' |
  tar -xJ -C "$work" --strip-components=5 --wildcards '*/drivers/media/test-drivers/vimc'

make -s -C "$headers" M="$work" CC="$compiler" CONFIG_VIDEO_VIMC=m modules >&2
strip -g "$work/vimc.ko"
