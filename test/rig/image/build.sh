#!/usr/bin/env bash
# Builds the rig's virtual machine, a small Debian with test cameras, into a folder of three files:
#   vmlinuz, initrd.img, root.ext4
# Usage: build.sh TARGET
#
# TARGET appears only when it is whole. Needs root, and network to Debian's mirror. Nothing is
# installed on the host.
set -euo pipefail

scripts=$(cd "$(dirname "$0")" && pwd)
target=$1
node=$(readlink -f "$(command -v node)")
suite=bookworm
compiler=gcc-12 # Debian's kernel of this suite is built with it, and so must its modules be.

# Another build may have finished while this one waited for its lock.
if [ -d "$target" ]; then exit 0; fi

say() { echo "sightd rig: $* (${SECONDS} s)" >&2; }

# What an interrupted build has left, and images of other versions, are of no use to anybody.
home=$(dirname "$target")
rm -rf --one-file-system "$home"/building-* "$home"/image-*
work=$home/building-$$
trap 'rm -rf --one-file-system "$work"' EXIT
trap 'exit 130' INT TERM HUP
mkdir -p "$work/image" "$work/packages"
root=$work/root

# The host's own sources of Debian packages, so that its choice of a mirror is kept.
sources=()
for file in /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list; do
  if [ ${#sources[@]} -eq 0 ] && [ -s "$file" ]; then sources=("$file"); fi
done

packages=(
  systemd systemd-sysv udev kmod dbus passwd procps util-linux busybox-static
  v4l-utils libcamera-tools libcamera-ipa libcamera-v4l2
  mosquitto mosquitto-clients
)

say "installing Debian $suite into a folder"
# The hook runs while the folder's own package lists are there: what it fetches is of one version
# with the rest, however old the host's lists are.
mmdebstrap --quiet --mode=root --variant=minbase \
  --include="$(IFS=,; echo "${packages[*]}")" \
  --aptopt='Acquire::Languages "none"' --aptopt='APT::Install-Recommends "false"' \
  --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
  --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/info/*' \
  --customize-hook="$scripts/fetch-kernel.sh \"\$1\" $work/packages" \
  "$suite" "$root" "${sources[@]}"

say 'choosing kernel modules'
dpkg -x "$work"/packages/linux-image-*.deb "$work/kernel"
version=$(basename "$work"/kernel/lib/modules/*)
cp "$work/kernel/boot/vmlinuz-$version" "$work/image/vmlinuz"
modules=$root/lib/modules/$version
mkdir -p "$modules/extra"
cd "$work/kernel/lib/modules/$version"
cp modules.order modules.builtin modules.builtin.modinfo "$modules/"
# Whole folders, so that what a module needs is there too; these are all that the rig could use.
cp -r --parents -t "$modules" \
  kernel/{arch,crypto,lib} \
  kernel/drivers/{virtio,block/virtio_blk.ko,char/virtio_console.ko,char/hw_random} \
  kernel/drivers/{gpu/drm/{drm,drm_kms_helper}.ko,i2c,input,hid,video,watchdog} \
  kernel/drivers/media/{cec,common,mc,platform,rc,test-drivers,usb/uvc,v4l2-core} \
  kernel/drivers/usb/{common,core,usbip} \
  kernel/fs/{9p,autofs,ext4,fscache,fuse,jbd2,mbcache.ko,netfs,overlayfs} \
  kernel/net/9p \
  kernel/sound/{core,soundcore.ko,usb}
rm -rf "$modules"/kernel/arch/*/kvm
cd "$work"

say 'compiling vimc'
"$scripts/build-vimc.sh" "$version" "$work/packages" "$work/vimc" "$compiler"
cp "$work/vimc/vimc.ko" "$modules/extra/"
chroot "$root" depmod -a "$version"

say 'compiling the virtual USB camera'
"$compiler" -O2 -static -Wall -Wextra -Werror -o "$root/usr/local/bin/uvcsim" "$scripts/uvcsim.c"

say "adding Node and the rig's own files"
install -m 755 "$node" "$root/usr/bin/node"
strip "$root/usr/bin/node"
chroot "$root" node --version >&2
install -m 755 "$scripts/guest/rig-run" "$root/usr/local/sbin/"
install -m 644 "$scripts"/guest/*.{service,mount} "$root/etc/systemd/system/"
mkdir -p "$root/host" "$root/opt/sightd"
echo rig >"$root/etc/hostname"
# Empty: a new one is made at each start, without the questions of a first boot.
: >"$root/etc/machine-id"
: >"$root/etc/fstab"
chroot "$root" systemctl --quiet enable rig.service
chroot "$root" systemctl --quiet set-default multi-user.target
# Slow, and of no use in a machine that lives for a minute. Tests start a broker of their own.
chroot "$root" systemctl --quiet mask \
  apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer \
  e2scrub_reap.service fstrim.timer getty@tty1.service ldconfig.service \
  serial-getty@ttyS0.service systemd-firstboot.service systemd-pcrphase.service \
  systemd-pcrphase-sysinit.service systemd-networkd-wait-online.service
chroot "$root" systemctl --quiet disable mosquitto.service
rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/*

say 'making the initial file system'
"$scripts/build-initrd.sh" "$root" "$version" "$work/initrd"
(cd "$work/initrd" && find . | cpio --quiet -o -H newc) >"$work/image/initrd.img"

say 'making the disk image'
# No journal and no checksums: each run writes to a throw-away overlay. 300 MB are left for tests.
size=$(($(du -sm "$root" | cut -f1) + 300))
mke2fs -q -t ext4 -O ^has_journal,^metadata_csum -E lazy_itable_init=1,root_owner=0:0 -m 0 \
  -d "$root" "$work/image/root.ext4" "${size}M"
mv "$work/image" "$target"
say "built $target, $(du -sh "$target" | cut -f1)"
