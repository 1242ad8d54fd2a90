#!/bin/bash
# Runs ovn-northd(8) beside the two databases of this pod, when they are there and listen. Of a
# cluster's one works, and the others wait for its lock.
#
# Environment: common.sh, and RAFT_IPS as in database.sh.
. "$(dirname "$0")/common.sh"

# How long databases may take to be there, a cluster to be founded among it; s.
wait_s=300
# A client that works is silent for some seconds: after this it counts as gone; ms.
probe_ms=60000

# Waits until the database is there. $1: nb or sb, $2: its name
connected() {
  ovsdb-client "--timeout=$wait_s" wait "unix:$OVN_RUNDIR/ovn$1_db.sock" "$2" connected ||
    die "$2 of this pod does not come: its container's log says why"
}

# Where this member lost its file and joined again, the cluster counts the one before, too, which
# never comes back: it is removed. $1: nb or sb, $2: name, $3: port of RAFT
forget_former_selves() {
  [ -n "${RAFT_IPS:-}" ] || return 0
  local control=$OVN_RUNDIR/ovn$1_db.ctl own id
  own=$(remote "$POD_IP" "$3")
  ovn-appctl -t "$control" cluster/status "$2" |
    awk -v "own=at $own)" 'index($0, own) && !/\(self\)/ { print $1 }' |
    while read -r id; do
      say "removing the former member $id of $2, which had this node's address"
      ovn-appctl -t "$control" cluster/kick "$2" "$id"
    done
}

# A cluster takes a newer schema from the first member that has it. $1: nb or sb, $2: name
upgrade() {
  [ -n "${RAFT_IPS:-}" ] || return 0
  local socket=unix:$OVN_RUNDIR/ovn$1_db.sock schema=/usr/share/ovn/ovn-$1.ovsschema has wants
  has=$(ovsdb-client --no-leader-only --timeout=30 get-schema-version "$socket" "$2")
  wants=$(ovsdb-tool schema-version "$schema")
  ovsdb-tool compare-versions "$has" '<' "$wants" || return 0
  say "taking $2 from schema $has to $wants"
  ovsdb-client --no-leader-only --timeout=120 convert "$socket" "$schema"
}

# Has the database take clients. In a cluster the row is everybody's, and names no address.
# $1: nb or sb, $2: port
listens() {
  local any='0.0.0.0' target
  case $POD_IP in *:*) any='[::]' ;; esac
  [ -n "${RAFT_IPS:-}" ] || any="[$POD_IP]"
  target=p$PROTOCOL:$2:$any
  local ctl=("ovn-$1ctl" "--db=unix:$OVN_RUNDIR/ovn$1_db.sock" --no-leader-only --timeout=60)
  "${ctl[@]}" get-connection | grep -qxF "$target" ||
    "${ctl[@]}" "--inactivity-probe=$probe_ms" set-connection "$target"
}

while read -r database name port raft_port; do
  connected "$database" "$name"
  forget_former_selves "$database" "$name" "$raft_port"
  upgrade "$database" "$name"
  listens "$database" "$port"
done << END
nb OVN_Northbound $NB_PORT $NB_RAFT_PORT
sb OVN_Southbound $SB_PORT $SB_RAFT_PORT
END

# Of a cluster the leaders are asked, wherever they are.
if [ -n "${RAFT_IPS:-}" ]; then
  OVN_DB_IPS=$RAFT_IPS
  nb=$(remotes "$NB_PORT")
  sb=$(remotes "$SB_PORT")
else
  nb=unix:$OVN_RUNDIR/ovnnb_db.sock
  sb=unix:$OVN_RUNDIR/ovnsb_db.sock
fi
exec ovn-northd "${LOG[@]}" "${TLS[@]}" "--ovnnb-db=$nb" "--ovnsb-db=$sb" \
  "--unixctl=$OVN_RUNDIR/ovn-northd.ctl" "--pidfile=$OVN_RUNDIR/ovn-northd.pid"
