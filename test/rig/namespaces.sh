#!/usr/bin/env bash
# Runs the rig's root file system, and in it systemd as process 1, in namespaces of this kernel: in half
# a second, without cameras. docs/rig.md says more.
# Usage: unshare --mount --propagation private namespaces.sh ROOT_IMAGE CHECKOUT SHARE
#
# CHECKOUT appears at /opt/sightd, SHARE at /host. What the job writes comes out at standard output.
# Exits with 75 where this host cannot do it; the reason is then in SHARE/out/obstacle.
set -euo pipefail

image=$1
checkout=$2
share=$3
export root group share checkout

work=$(mktemp -d)
group=
inside=

# Everything that is mounted here goes with this mount namespace; the control group is the kernel's.
cleanup() {
  if [ -n "$inside" ]; then
    kill -KILL "$inside" 2>/dev/null || true
    wait "$inside" 2>/dev/null || true
  fi
  if [ -n "$group" ] && [ -d "$group" ]; then
    # The kernel takes a moment to bury what was killed.
    for _ in $(seq 50); do
      find "$group" -depth -type d -exec rmdir {} + 2>/dev/null && break
      sleep 0.1
    done
  fi
  umount --lazy "$work"
  rmdir "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM HUP

mount -t tmpfs -o mode=755 tmpfs "$work"
mkdir "$work"/{lower,upper,work,root,cgroup}
root=$work/root

# What a host that is itself a container may refuse, each with its own words.
try() {
  if ! reason=$("$@" 2>&1); then
    echo "$* failed: $reason" >"$share/out/obstacle"
    exit 75
  fi
}
try mount -o loop,ro "$image" "$work/lower"
try mount -t overlay -o "lowerdir=$work/lower,upperdir=$work/upper,workdir=$work/work" overlay "$root"
# The unified hierarchy, wherever this host has it, and also where it uses the old ones.
try mount -t cgroup2 cgroup2 "$work/cgroup"
group=$work/cgroup/sightd-rig-$$
try mkdir "$group"
try unshare --pid --fork --mount --uts --ipc --net --cgroup true
# Of whatever controllers this host gives away there.
for controller in $(cat "$work/cgroup/cgroup.subtree_control"); do
  echo "+$controller" >"$group/cgroup.subtree_control" 2>/dev/null || true
done

# The job's output comes as it is written. A writer stays here, so that its end is that of all writers.
mkfifo "$work/output"
cat "$work/output" &
reader=$!
exec 3>"$work/output"
export output=$work/output

start() {
  echo 0 >"$group/cgroup.procs"
  # Whatever ends this script, that ends the namespaces' first process, and that everything in them.
  exec setpriv --pdeathsig KILL \
    unshare --pid --fork --mount --uts --ipc --net --cgroup --kill-child=SIGKILL \
    bash "$(dirname "$0")/namespaces-inside.sh"
}
start </dev/null >"$share/out/console.txt" 2>&1 3>&- &
inside=$!
wait "$inside" || true
inside=
exec 3>&-
wait "$reader" || true
