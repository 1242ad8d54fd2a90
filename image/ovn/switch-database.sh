#!/bin/bash
# Runs the database of this node's OVS, as ovsdb-server(1) in the foreground. It is on the node, and
# so are its sockets: pods' ports stay in it while it is away.
. "$(dirname "$0")/common.sh"

file=$OVS_DBDIR/conf.db
schema=/usr/share/openvswitch/vswitch.ovsschema

# Another OVS, of the host's packages say, would lose its sockets to this one.
if ovs-appctl --timeout=5 -t ovsdb-server version > /dev/null 2>&1; then
  die "an ovsdb-server runs on this node already, in $OVS_RUNDIR: leave the component ovn out where nodes have their own OVS, or stop theirs"
fi

mkdir -p "$OVS_DBDIR" "$OVS_RUNDIR"
if [ ! -e "$file" ]; then
  ovsdb-tool create "$file" "$schema"
elif ovsdb-tool compare-versions "$(ovsdb-tool db-version "$file")" '<' "$(ovsdb-tool schema-version "$schema")"; then
  cp --preserve "$file" "$file.before-$(ovsdb-tool schema-version "$schema")"
  ovsdb-tool convert "$file" "$schema"
fi
exec ovsdb-server "${LOG[@]}" "--remote=punix:$OVS_RUNDIR/db.sock" \
  "--pidfile=$OVS_RUNDIR/ovsdb-server.pid" "$file"
