#!/bin/sh
# Installs what demo, tests and bench need and this machine lacks: Debian packages and npm packages.
set -eu
# A shell that is interrupted runs its EXIT trap only when it exits by itself.
trap 'exit 130' INT
trap 'exit 143' TERM
cd "$(dirname "$0")/.."

packages="openvswitch-switch ovn-common ovn-host ovn-central iproute2 iputils-arping iputils-ping
ethtool iperf3 procps tcpdump util-linux containernetworking-plugins iptables nftables ipset busybox"

missing=""
for package in $packages; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done

# Arguments: packages
install() {
  if [ "$(id -u)" -ne 0 ]; then
    echo "setup: these packages are missing and only root can install them: $*" >&2
    exit 1
  fi
  echo "setup: installing $*"
  # The system's own Open vSwitch is not started: the lab brings its own, in its own namespaces.
  policy=/usr/sbin/policy-rc.d
  if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' > "$policy"
    chmod 755 "$policy"
  fi
  apt-get -qq update
  DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "$@" >/dev/null
}

# shellcheck disable=SC2086
[ -z "$missing" ] || install $missing

# Tests render deploy/ by kubectl, which knows components of kustomize from 1.21 on. Debian 12 has 1.20.
if ! command -v kubectl >/dev/null; then
  version=$(LC_ALL=C apt-cache policy kubernetes-client | sed -n 's/^ *Candidate: \([0-9].*\)/\1/p')
  if dpkg --compare-versions "${version:-0}" ge 1.21; then
    install kubernetes-client
  else
    echo "setup: there is no kubectl, and this Debian has none from 1.21 on: tests of what deploy/ renders are left out"
  fi
fi

# Some tests run in a guest with a kernel of its own (test/lab/guest). Debian has that for x86.
if [ ! -e /usr/bin/linux.uml ]; then
  version=$(LC_ALL=C apt-cache policy user-mode-linux | sed -n 's/^ *Candidate: \([0-9].*\)/\1/p')
  if [ -n "$version" ]; then
    install user-mode-linux
  else
    echo "setup: there is no package user-mode-linux here: tests in a guest with a kernel of its own are left out"
  fi
fi

if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  echo "setup: installing npm packages"
  npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
fi
