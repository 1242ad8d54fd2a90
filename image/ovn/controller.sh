#!/bin/bash
# Runs ovn-controller(8) in the foreground, when it has told OVS who this node is and where the
# southbound database is. Its flows stay in OVS while it is away. The tunnels' address
# (ovn-encap-ip) is kube-ovn-cni's to say.
#
# Environment: common.sh, and
#   NODE_NAME       the node's name
#   TUNNEL_TYPE     geneve, vxlan or stt
#   DATAPATH_TYPE   netdev for OVS's userspace datapath; the kernel's without it
. "$(dirname "$0")/common.sh"

socket=unix:$OVS_RUNDIR/db.sock
vsctl() { ovs-vsctl "--db=$socket" --timeout=60 --retry --no-wait "$@"; }

# How long ovn-controller, when it starts, leaves the flows of the one before; ms.
wait_before_clear_ms=5000
probe_ms=60000

# The chassis of a node is always the same. Kube-OVN's programs read it in this file, too.
id_file=$OVS_DBDIR/system-id.conf
if [ ! -s "$id_file" ]; then
  mkdir -p "$OVS_DBDIR"
  # Of an OVS that was there before, the one that it has.
  id=$(vsctl --if-exists get Open_vSwitch . external_ids:system-id | tr -d '"')
  echo "${id:-$(cat /proc/sys/kernel/random/uuid)}" > "$id_file.new"
  mv "$id_file.new" "$id_file"
fi

settings=(
  "system-id=$(cat "$id_file")"
  "hostname=${NODE_NAME:-$(hostname)}"
  "ovn-remote=\"$(remotes "$SB_PORT")\""
  "ovn-encap-type=${TUNNEL_TYPE:-geneve}"
  "ovn-remote-probe-interval=$probe_ms"
  "ovn-openflow-probe-interval=$((probe_ms / 1000))"
  "ovn-ofctrl-wait-before-clear=$wait_before_clear_ms"
  # The southbound database has less to do for many nodes.
  ovn-monitor-all=true
)
[ -z "${DATAPATH_TYPE:-}" ] || settings+=("ovn-bridge-datapath-type=$DATAPATH_TYPE")
vsctl set Open_vSwitch . "${settings[@]/#/external_ids:}"

mkdir -p "$OVN_RUNDIR"
exec ovn-controller "${LOG[@]}" "${TLS[@]}" "--pidfile=$OVN_RUNDIR/ovn-controller.pid" "$socket"
