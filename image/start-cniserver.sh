#!/bin/sh
# Starts the daemon with the paths that Kube-OVN's charts leave to this script; what is given
# beside them wins.
#
# It becomes the daemon, which so gets kubelet's SIGTERM itself. There is nothing to wait for and to
# clear away here: the daemon follows OVS from whenever it is there, and takes the place of a socket
# on which nobody listens. FORWARD's policy is not touched: it is the node's own affair.
exec "$(dirname "$0")/kube-ovn-cni.cjs" \
  --ovs-socket=/run/openvswitch/db.sock \
  --bind-socket=/run/openvswitch/kube-ovn-daemon.sock \
  "$@"
