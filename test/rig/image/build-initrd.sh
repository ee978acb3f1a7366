#!/usr/bin/env bash
# Lays out the initial file system: busybox, and the modules that it takes to mount the root disk
# and the folder shared with the host.
# Usage: build-initrd.sh ROOT KERNEL_VERSION TARGET
set -euo pipefail
root=$1
version=$2
target=$3

mkdir -p "$target"/{bin,dev,modules,proc,root,sys}
cp "$root/bin/busybox" "$target/bin/"
ln -s busybox "$target/bin/sh"

# In the order of loading: each after what it needs.
files=$(
  for module in virtio_pci virtio_blk ext4 9pnet_virtio 9p; do
    chroot "$root" modprobe -S "$version" --show-depends "$module"
  done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }'
)
for file in $files; do cp "$root$file" "$target/modules/"; done

cat >"$target/init" <<INIT
#!/bin/sh
export PATH=/bin
busybox mount -t proc proc /proc
busybox mount -t sysfs sysfs /sys
busybox mount -t devtmpfs dev /dev
for module in $(for file in $files; do printf '%s ' "${file##*/}"; done); do
  busybox insmod /modules/\$module
done
# The disk takes a moment. Without it there is nothing to be done: the kernel panics, the run fails.
tries=0
while [ ! -b /dev/vda ] && [ \$tries -lt 200 ]; do
  busybox sleep 0.05
  tries=\$((tries + 1))
done
busybox mount -t ext4 -o rw,noatime /dev/vda /root || exit 1
busybox mount --move /dev /root/dev
busybox umount /sys
busybox umount /proc
exec busybox switch_root /root /sbin/init
INIT
chmod 755 "$target/init"
