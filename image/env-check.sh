#!/bin/sh
# What of this node's environment often breaks networks of pods: `kubectl ko env-check` runs it in
# the daemon's container.
exec "$(dirname "$0")/kube-ovn-install.cjs" env-check "$@"
