#!/bin/sh
# Starts the controller, which gets kubelet's SIGTERM itself. It makes the address of OVN's northbound
# database of the variables that Kube-OVN's charts set: OVN_NB_ADDR, OVN_DB_IPS with
# KUBE_OVN_NB_PORT, or OVN_NB_SERVICE_HOST with OVN_NB_SERVICE_PORT, and ENABLE_SSL.
exec "$(dirname "$0")/kube-ovn-controller.cjs" "$@"
