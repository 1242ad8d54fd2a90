#!/bin/bash
# Writes a backup of both of OVN's databases into a folder, and removes the oldest ones:
# backup.sh FOLDER [KEPT]
#
# Each file is whole or not there, and is what ovsdb-tool(1) calls a standalone database: restore.sh
# brings it back. Environment: common.sh.
. "$(dirname "$0")/common.sh"

folder=${1:?usage: backup.sh FOLDER [KEPT]}
kept=${2:-7}
now=$(date --utc +%Y%m%dT%H%M%SZ)
umask 077
mkdir -p "$folder"

# $1: nb or sb, $2: name, $3: port, $4: a table that has a row
backup() {
  local file=$folder/ovn$1_db-$now.db
  rm -f "$folder/ovn$1_db-"*.new
  ovsdb-client --timeout=300 "${TLS[@]}" backup "$(remotes "$3")" "$2" > "$file.new"
  # It can be read again, to its end.
  ovsdb-tool query "$file.new" "[\"$2\",{\"op\":\"select\",\"table\":\"$4\",\"where\":[]}]" |
    grep -q '_uuid' || die "the backup of $2 cannot be read: $file.new"
  sync "$file.new"
  mv "$file.new" "$file"
  sync "$folder"
  # Names sort by time.
  find "$folder" -name "ovn$1_db-*.db" | sort -r | tail -n "+$((kept + 1))" | xargs -r rm -f --
  say "$file"
}

backup nb OVN_Northbound "$NB_PORT" NB_Global
backup sb OVN_Southbound "$SB_PORT" SB_Global
