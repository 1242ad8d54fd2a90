#!/bin/sh
# Installs what demo, tests and bench need and this machine lacks: Debian packages and npm packages.
set -eu
# A shell that is interrupted runs its EXIT trap only when it exits by itself.
trap 'exit 130' INT
trap 'exit 143' TERM
cd "$(dirname "$0")/.."

packages="openvswitch-switch ovn-common ovn-host ovn-central iproute2 iputils-arping iputils-ping
ethtool iperf3 procps tcpdump util-linux containernetworking-plugins iptables nftables ipset"

missing=""
for package in $packages; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done

if [ -n "$missing" ]; then
  if [ "$(id -u)" -ne 0 ]; then
    echo "setup: these packages are missing and only root can install them:$missing" >&2
    exit 1
  fi
  echo "setup: installing$missing"
  # The system's own Open vSwitch is not started: the lab brings its own, in its own namespaces.
  policy=/usr/sbin/policy-rc.d
  if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' > "$policy"
    chmod 755 "$policy"
  fi
  apt-get -qq update
  # shellcheck disable=SC2086
  DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $missing >/dev/null
fi

if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  echo "setup: installing npm packages"
  npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
fi
