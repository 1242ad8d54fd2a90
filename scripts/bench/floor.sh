#!/bin/sh
# The floor: what an ADD does, as bare commands one after another, without executable, daemon and
# Kubernetes. Arguments: database, namespace path, host interface, MAC, address, gateway, port.
set -eu
database=$1 netns=$2 host=$3 mac=$4 address=$5 gateway=$6 port=$7
vsctl="ovs-vsctl --db=$database --timeout=20 --no-wait"

ip link add "$host" mtu 1400 txqueuelen 1000 up type veth peer name net1 netns "$netns" address "$mac" mtu 1400
$vsctl add-port br-int "$host" -- set Interface "$host" "external_ids:iface-id=$port" external_ids:vendor=kube-ovn
ip -n "${netns##*/}" -batch - <<BATCH
link set net1 up
address add $address/16 dev net1
route replace default via $gateway dev net1
BATCH
$vsctl wait-until Interface "$host" external_ids:ovn-installed=true
nsenter "--net=$netns" arping -q -f -w 10 -I net1 "$gateway"
