#!/usr/bin/env bash
# Downloads the kernel, and what vimc is compiled from, with the package manager of a root folder.
# Usage: fetch-kernel.sh ROOT PACKAGES
set -euo pipefail
root=$1
packages=$2

first_dependency() { chroot "$root" apt-cache depends "$1" | awk '/Depends:/ { print $2; exit }'; }

image=$(first_dependency linux-image-amd64) # Such as linux-image-6.1.0-56-amd64.
version=${image#linux-image-}
series=$(echo "$version" | cut -d. -f1,2)
folder=/var/cache/rig
mkdir -p "$root$folder"
# As root: apt's own user may not write to the folder.
chroot "$root" sh -c "cd $folder && apt-get -qq -o APT::Sandbox::User=root download \
  $image linux-headers-$version linux-headers-${version%-amd64}-common \
  linux-kbuild-$series linux-source-$series"
mv "$root$folder"/*.deb "$packages/"
rmdir "$root$folder"
