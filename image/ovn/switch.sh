#!/bin/bash
# Runs ovs-vswitchd(8) in the foreground. The kernel goes on forwarding while it is away. When it
# comes back it has no OpenFlow flows, and would clear the kernel's: so it is told to leave them
# (flow-restore-wait, ovs-vswitchd.conf.db(5)) until ovn-controller has given it its flows again.
. "$(dirname "$0")/common.sh"

socket=unix:$OVS_RUNDIR/db.sock

# The database's container may be later: ovs-vsctl waits for it. Not for ovs-vswitchd.
vsctl() { ovs-vsctl "--db=$socket" --timeout=60 --retry --no-wait "$@"; }

# Ends with ovs-vswitchd, whose connection it has.
restore_flows() {
  # This one waits until ovs-vswitchd has made the bridges: ovs-vsctl waits for what it changes.
  ovs-vsctl "--db=$socket" --timeout=60 set Open_vSwitch . "external_ids:switch-start=$(date +%s.%N)"
  # ovn-controller gives all flows in one bundle: where one is, all are.
  exec 3< <(ovs-ofctl --protocols=OpenFlow10,OpenFlow13,OpenFlow15 monitor "$bridge" watch: 2>&1)
  local monitor=$!
  if grep -q -m 1 'event=' <&3; then
    say 'ovn-controller has given its flows again'
  else
    # With the one that we are of, or where it cannot be watched.
    kill -0 $$ 2>/dev/null || return 0
    say "flows of $bridge cannot be watched: not waiting for ovn-controller"
  fi
  kill "$monitor" 2>/dev/null || true
  vsctl remove Open_vSwitch . other_config flow-restore-wait
}

vsctl init
bridge=br-int
if vsctl br-exists "$bridge"; then
  vsctl set Open_vSwitch . other_config:flow-restore-wait=true
  # In the background of nobody: ovs-vswitchd is to have no children that it knows nothing of.
  (restore_flows &)
else
  vsctl remove Open_vSwitch . other_config flow-restore-wait
fi
exec ovs-vswitchd "${LOG[@]}" "--pidfile=$OVS_RUNDIR/ovs-vswitchd.pid" "$socket"
