#!/usr/bin/env bash
# The part of namespaces.sh that runs in the new namespaces, and becomes systemd.
set -euo pipefail

hostname rig
cd "$root"
mount -t proc proc proc
# What is set there is set for the whole host.
for path in proc/sys proc/sysrq-trigger; do
  [ -e "$path" ] || continue
  mount --bind "$path" "$path"
  mount -o remount,bind,ro "$path"
done
# Read-only: so udev and everything that needs it is not started.
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs dev
for name in null zero full random urandom tty; do
  touch "dev/$name"
  mount --bind "/dev/$name" "dev/$name"
done
mkdir dev/{pts,shm,virtio-ports}
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts
mount -t tmpfs -o mode=1777 tmpfs dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
ln -s /proc/self/fd/0 dev/stdin
ln -s /proc/self/fd/1 dev/stdout
ln -s /proc/self/fd/2 dev/stderr
touch dev/console dev/virtio-ports/sightd.rig
mount --bind "$share/out/console.txt" dev/console
mount --bind "$output" dev/virtio-ports/sightd.rig
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
mount --bind "$share" host
mount --bind "$checkout" opt/sightd
mount -o remount,bind,ro opt/sightd
mkdir -p run/host
pivot_root . run/host
umount --lazy /run/host
# As systemd itself would do on a machine of its own: credentials reach their service only so.
mount --make-rshared /
exec env -i container=sightd-rig TERM=dumb PATH=/usr/sbin:/usr/bin:/sbin:/bin \
  /lib/systemd/systemd --system --log-target=console --show-status=no
