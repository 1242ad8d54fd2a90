#!/bin/bash
# Runs one of OVN's databases, as ovsdb-server(1) in the foreground: database.sh nb|sb
#
# Alone, or as a member of a cluster where RAFT_IPS lists the addresses of all members: then the
# first of them founds the cluster, of the database that it had alone if it had one, and the others
# join it. What a member knows is in its file; a member that lost it joins again.
#
# Environment: common.sh, and RAFT_IPS.
. "$(dirname "$0")/common.sh"

case ${1-} in
  nb) name=OVN_Northbound table=NB_Global port=$NB_PORT raft_port=$NB_RAFT_PORT ;;
  sb) name=OVN_Southbound table=SB_Global port=$SB_PORT raft_port=$SB_RAFT_PORT ;;
  *) die "usage: $(basename "$0") nb|sb" ;;
esac
file=$OVN_DBDIR/ovn$1_db.db
schema=/usr/share/ovn/ovn-$1.ovsschema
# How long a leader may be silent before another one is elected; ms.
election_ms=5000
umask 077

# A newer schema is taken on; an older one never: the file has its own, and is served by it.
upgrade() {
  local has wants copy
  has=$(ovsdb-tool db-version "$file")
  wants=$(ovsdb-tool schema-version "$schema")
  ovsdb-tool compare-versions "$has" '<' "$wants" || return 0
  copy=$file.before-$wants
  cp --preserve "$file" "$copy"
  say "taking $name from schema $has to $wants; as it was: $copy"
  ovsdb-tool convert "$file" "$schema"
}

alone() {
  if [ ! -e "$file" ]; then
    say "there is no $file: beginning with an empty database"
    ovsdb-tool create "$file" "$schema"
  # That of a cluster of one, as Kube-OVN makes it, is served as it is.
  elif ovsdb-tool db-is-standalone "$file"; then
    upgrade
  fi
}

# Sets first, and others: the address of the founder, and those of the other members.
find_others() {
  local ips ip is_member=false
  IFS=, read -ra ips <<< "$RAFT_IPS"
  others=()
  for ip in "${ips[@]}"; do
    if [ "$ip" = "${POD_IP-}" ]; then is_member=true; else others+=("$ip"); fi
  done
  [ "${#ips[@]}" -ge 3 ] || die "RAFT_IPS=$RAFT_IPS: expected three addresses, or five"
  $is_member ||
    die "RAFT_IPS=$RAFT_IPS does not list this node's address ${POD_IP-}: label only the nodes that it lists"
  first=${ips[0]}
}

# A member begins without a file. Two clusters must never come of that: the first one founds a
# cluster only when all the others are there and belong to none. A member that has no cluster yet
# takes its peers' connections, and no client's, since which those are is in the database.
begin() {
  local ip
  if [ "$POD_IP" = "$first" ]; then
    local unknown=() members=()
    for ip in "${others[@]}"; do
      if answers "$ip" "$port"; then members+=("$ip")
      elif ! answers "$ip" "$raft_port"; then unknown+=("$ip"); fi
    done
    if [ "${#members[@]}" -eq 0 ]; then
      [ "${#unknown[@]}" -eq 0 ] ||
        die "no cluster is founded yet: ${unknown[*]} may belong to one, and does not answer on port $raft_port"
      found
      return
    fi
  fi
  join
}

# The database that was alone stays in its place until the cluster's is whole.
found() {
  local source=$schema new=$file.founding
  rm -f "$new" "$OVN_DBDIR/.$(basename "$new").~lock~"
  if [ -e "$file" ]; then
    source=$file
    cp --preserve "$file" "$file.alone"
    say "founding a cluster of the database that was alone; as it was: $file.alone"
  else
    say 'founding a cluster with an empty database'
  fi
  ovsdb-tool "--election-timer=$election_ms" create-cluster "$new" "$source" "$own"
  sync "$new"
  mv -f "$new" "$file"
}

join() {
  local ip peers=()
  if [ -e "$file" ]; then
    die "$file is a database that was alone, and others found the cluster, or have: for a new cluster of this database list this node's address first in RAFT_IPS, before there is one; or move the file away to give it up"
  fi
  for ip in "${others[@]}"; do peers+=("$(remote "$ip" "$raft_port")"); done
  say "joining the cluster of ${others[*]}"
  ovsdb-tool join-cluster "$file" "$name" "$own" "${peers[@]}"
}

in_cluster() {
  find_others
  own=$(remote "$POD_IP" "$raft_port")
  if [ ! -e "$file" ] || ovsdb-tool db-is-standalone "$file"; then
    begin
    return
  fi
  local was
  was=$(ovsdb-tool db-local-address "$file")
  [ "$was" = "$own" ] ||
    die "$file is of the member $was, and this is $own: an address or TLS has changed. Move the file away on this node, and it joins again; one node after the other, and never most of them at once"
}

mkdir -p "$OVN_DBDIR" "$OVN_RUNDIR"
if [ -n "${RAFT_IPS:-}" ]; then in_cluster; else alone; fi
exec ovsdb-server "${LOG[@]}" "${TLS[@]}" \
  "--remote=punix:$OVN_RUNDIR/ovn$1_db.sock" "--remote=db:$name,$table,connections" \
  "--unixctl=$OVN_RUNDIR/ovn$1_db.ctl" "--pidfile=$OVN_RUNDIR/ovn$1_db.pid" "$file"
