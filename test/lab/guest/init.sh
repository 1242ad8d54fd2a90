#!/bin/sh
# First process of a guest (guest.ts). It makes a root file system of which everything can be changed and nothing
# reaches the machine, loads the kernel's modules for networks, runs a program there, and switches the guest off.
#
#   init.sh root NODE MAIN FOLDER PROGRAM   what the kernel starts
#   init.sh run  NODE MAIN FOLDER PROGRAM   the same again, on the new root
#
# NODE runs MAIN (main.ts) with PROGRAM. FOLDER is the machine's, and the only one that the guest writes to: it gets
# `answer.json` by main.ts, and `status`, the exit status of NODE.
set -eu
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
modules=/usr/lib/uml/modules/$(uname -r)

# Where a step fails, the guest ends without `status`; its console says which command it was.
trap 'echo o >/proc/sysrq-trigger; sleep 60' EXIT

stage=$1
shift
case $stage in
root)
  mount -t proc proc /proc
  insmod "$modules/kernel/fs/overlayfs/overlay.ko"
  # The machine's file system, read-only, with a layer in memory above it.
  mount -t tmpfs tmpfs /mnt
  mkdir /mnt/changed /mnt/work /mnt/root
  mount -t overlay overlay -o lowerdir=/,upperdir=/mnt/changed,workdir=/mnt/work /mnt/root
  exec chroot /mnt/root "$0" run "$@"
  ;;
run)
  node=$1 main=$2 folder=$3 program=$4
  mount -t proc proc /proc
  mount -t sysfs sysfs /sys
  mount -t devtmpfs devtmpfs /dev
  # Not /tmp: the checkout may be there, and what is written goes into the layer.
  mount -t tmpfs tmpfs /run
  mkdir /run/netns /run/lock
  # Where modprobe looks, also for the kernel itself, which asks for queueing disciplines and the like.
  mkdir -p /usr/lib/modules
  ln -s "$modules" "/usr/lib/modules/$(uname -r)"
  # /dev/net/tun, and what needs no link to be loaded.
  for module in tun openvswitch vport-geneve; do modprobe "$module"; done
  ip link set lo up

  mkdir -p "$folder"
  mount -t hostfs hostfs -o "$folder" "$folder"
  status=0
  # Programs of dist/ ask env(1) for their node.
  export PATH="${node%/*}:$PATH" HOME=/tmp KUBE_OVN_LAB=1
  # In the first 10 s after a boot ovs-vswitchd (3.1) counts no processors, since it counts again each 10 s and takes
  # the boot for the last time: it has no thread then for what its kernel datapath asks it, and all packets are lost.
  read -r uptime _ </proc/uptime
  uptime=${uptime%.*}
  [ "$uptime" -gt 10 ] || sleep $((11 - uptime))
  "$node" "$main" "$program" "$folder/answer.json" || status=$?
  # Who waits for it (guest.ts) kills the guest.
  echo "$status" >"$folder/status.new"
  mv "$folder/status.new" "$folder/status"
  ;;
esac
