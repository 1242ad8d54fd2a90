#!/bin/sh
# Stands in for a tool that the daemon runs, under the tool's name: DIR/bin/NAME. See tool-shims.ts.
# Without DIR/armed the tool is run as it is. Otherwise that file says whom to kill at which call,
# and how, and below that the words of which one must be in the calls that are meant.
control=${0%/bin/*}
tool=${0##*/}
read -r PATH <"$control/path"
[ -e "$control/armed" ] || exec "$tool" "$@"

# What kills us may come before the daemon has written all input.
input=$(cat)
is_meant=
{
  read -r pid
  read -r victim
  read -r how
  while read -r word; do
    case "$* $input" in *"$word"*) is_meant=yes ;; esac
  done
} <"$control/armed"

# A name for the call that no other one has; noclobber makes taking it atomic.
set -C
name=
count=0
kind=$tool
[ "$tool" = nsenter ] && kind="nsenter-$2"
while [ -n "$is_meant" ] && [ -z "$name" ]; do
  count=$((count + 1))
  { printf '%s\n' "$tool $*" "$input" >"$control/calls/$kind.$count"; } 2>/dev/null &&
    name=$kind.$count
done

if [ -n "$is_meant" ] && [ -e "$control/broken" ]; then
  echo 'this tool is broken' >&2
  exit 1
fi
if [ "$name" = "$victim" ]; then
  case $how in
    before) kill -KILL "$pid" && exit 1 ;;
    orphan) kill -KILL "$pid" ;;
    after)
      "$tool" "$@" >/dev/null 2>&1 <<END
$input
END
      kill -KILL "$pid" && exit 1
      ;;
    fail)
      "$tool" "$@" >/dev/null 2>&1 <<END
$input
END
      : >|"$control/broken"
      exit 1
      ;;
    hold)
      echo "$name" >"$control/held"
      read -r _ <"$control/released"
      ;;
  esac
fi
exec "$tool" "$@" <<END
$input
END
