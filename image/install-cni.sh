#!/bin/sh
# Init container: puts executables, and where Kube-OVN is the primary network its configuration,
# onto the node. --help lists flags and variables.
exec "$(dirname "$0")/kube-ovn-install.cjs" install "$@"
