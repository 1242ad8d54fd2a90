#!/bin/sh
# Stands in front of a tool that the daemon runs, under the tool's name: DIR/bin/NAME. Where DIR/NAME
# is there, it says how the tool is broken: see broken-tools.ts.
control=${0%/bin/*}
tool=${0##*/}
read -r PATH <"$control/path"
how=
[ -e "$control/$tool" ] && read -r how <"$control/$tool"
case $how in
  hang) sleep 1000 ;;
  flood) yes flood ;;
  garbage) echo 'Zebra {"headings":[' && exit 0 ;;
  commit-and-hang) "$tool" "$@" && sleep 1000 ;;
  *) exec "$tool" "$@" ;;
esac
