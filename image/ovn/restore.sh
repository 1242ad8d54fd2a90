#!/bin/bash
# Puts a backup in the place of what a database has, in one transaction, alone or in a cluster:
# restore.sh nb|sb FILE
#
# Run it in a container of the databases' pod: docs/install.md. Environment: common.sh.
. "$(dirname "$0")/common.sh"

case ${1-} in
  nb) name=OVN_Northbound ;;
  sb) name=OVN_Southbound ;;
  *) die "usage: $(basename "$0") nb|sb FILE" ;;
esac
file=${2:?usage: restore.sh nb|sb FILE}
[ "$(ovsdb-tool db-name "$file")" = "$name" ] || die "$file is no database $name"
ovsdb-client --no-leader-only --timeout=300 restore "unix:$OVN_RUNDIR/ovn$1_db.sock" "$name" < "$file"
say "$name is as $file has it"
