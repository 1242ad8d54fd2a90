#!/bin/bash
# Takes off a node what the component ovn leaves there when its pods are gone: the kernel's datapath
# and its tunnels, and the files of OVS and ovn-controller. It refuses, and changes nothing, while an
# Open vSwitch runs on the node or an interface of a pod is plugged. It can be repeated.
#
# Environment: common.sh, and
#   REMOVE_DATABASES   "true": OVN's databases and their backups go, too
#   OVN_BACKUPS        where the backups are
. "$(dirname "$0")/common.sh"

OVN_BACKUPS=${OVN_BACKUPS:-/var/backups/ovn}
REMOVE_DATABASES=${REMOVE_DATABASES:-false}
# ovs-vswitchd's names for the kernel's datapath, which is one for all bridges, and for its tunnels.
readonly DATAPATH=ovs-system TUNNELS='^(genev|vxlan)_sys_[0-9]+$'
shopt -s nullglob

# Prints names of links. $@: which of them, as for ip-link(8)
links() { ip -brief link show "$@" | sed 's/[@ ].*//'; }

refuse_running() {
  local name
  for name in ovsdb-server ovs-vswitchd; do
    ! ovs-appctl --timeout=5 -t "$name" version > /dev/null 2>&1 ||
      die "$name runs on this node, in $OVS_RUNDIR: delete the DaemonSet ovs-ovn first; an Open vSwitch of the node's own is not taken off"
  done
}

refuse_plugged() {
  local plugged
  plugged=$(links master "$DATAPATH" 2>/dev/null | grep -vE "$TUNNELS" | head -n 10 | tr '\n' ' ') || true
  [ -z "$plugged" ] ||
    die "interfaces are plugged into Open vSwitch yet: ${plugged% }; delete the pods that have them, and apply deploy/uninstall while Open vSwitch runs"
}

refuse_served() {
  local port
  for port in "$NB_PORT" "$SB_PORT"; do
    ! answers "${POD_IP:?}" "$port" ||
      die "a database answers on port $port of this node: delete the Deployment ovn-central first"
  done
}

remove_datapath() {
  local link
  if [ -n "$(links dev "$DATAPATH" 2>/dev/null)" ]; then
    ovs-dpctl del-dp "$DATAPATH"
    say "the kernel's datapath $DATAPATH is removed"
  fi
  for link in $(links | grep -E "$TUNNELS"); do
    ip link delete "$link"
    say "the tunnels' device $link is removed"
  done
}

# $@: files, of which some may not be there
remove() {
  local file
  for file in "$@"; do
    [ -e "$file" ] || [ -L "$file" ] || continue
    rm -- "$file"
    say "$file is removed"
  done
}

# A folder in which somebody else has something stays. $1: folder
remove_folder() {
  [ -d "$1" ] || return 0
  if rmdir "$1" 2>/dev/null; then
    say "$1 is removed"
  else
    say "$1 stays: $(ls -A "$1" | head -n 10 | tr '\n' ' ')"
  fi
}

refuse_running
refuse_plugged
[ "$REMOVE_DATABASES" = false ] || refuse_served

remove_datapath
remove "$OVS_RUNDIR"/{db.sock,ovs*.pid,ovs*.ctl,*.mgmt,*.snoop}
remove "$OVN_RUNDIR"/ovn-controller*.{pid,ctl}
remove "$OVS_DBDIR"/{conf.db,conf.db.before-*,.conf.db.~lock~,system-id.conf,system-id.conf.new}
remove_folder "$OVS_DBDIR"
if [ "$REMOVE_DATABASES" = true ]; then
  remove "$OVN_DBDIR"/{ovnnb,ovnsb}_db.db* "$OVN_DBDIR"/.{ovnnb,ovnsb}_db.db.~lock~
  remove_folder "$OVN_DBDIR"
  remove "$OVN_BACKUPS"/{ovnnb,ovnsb}_db-*
  remove_folder "$OVN_BACKUPS"
elif [ -d "$OVN_DBDIR" ] || [ -d "$OVN_BACKUPS" ]; then
  say "OVN's databases stay, in $OVN_DBDIR, and their backups, in $OVN_BACKUPS: REMOVE_DATABASES=true removes them"
fi
say 'this node is clean'
