# What the scripts of this folder share: they are the commands of the containers of the component
# ovn (deploy/components/ovn). Sourced; needs bash.
#
# Environment:
#   OVN_DB_IPS    addresses of the hosts of OVN's databases, with commas between
#   ENABLE_SSL    "true": they are asked by TLS, with the files of the Secret kube-ovn-tls
#   POD_IP        the node's own address
set -euo pipefail

OVN_RUNDIR=${OVN_RUNDIR:-/run/ovn}
OVN_DBDIR=${OVN_DBDIR:-/etc/ovn}
OVS_RUNDIR=${OVS_RUNDIR:-/run/openvswitch}
OVS_DBDIR=${OVS_DBDIR:-/etc/openvswitch}
TLS_DIR=${TLS_DIR:-/var/run/tls}
export OVN_RUNDIR OVN_DBDIR OVS_RUNDIR OVS_DBDIR

readonly NB_PORT=6641 SB_PORT=6642 NB_RAFT_PORT=6643 SB_RAFT_PORT=6644

# Everything goes to the container's log.
readonly LOG=(-vconsole:info -vfile:off -vsyslog:off)

say() { echo "$(basename "$0"): $*" >&2; }
die() { say "$@"; exit 1; }

PROTOCOL=tcp
TLS=()
case ${ENABLE_SSL:-false} in
  true)
    PROTOCOL=ssl
    for file in key cert cacert; do
      [ -r "$TLS_DIR/$file" ] ||
        die "ENABLE_SSL is true, and $TLS_DIR/$file cannot be read: is there a Secret kube-ovn-tls with key, cert and cacert?"
    done
    TLS=("--private-key=$TLS_DIR/key" "--certificate=$TLS_DIR/cert" "--ca-cert=$TLS_DIR/cacert")
    ;;
  false | '') ;;
  *) die "ENABLE_SSL=$ENABLE_SSL: expected true or false" ;;
esac

# Prints the remotes of all databases that listen on a port: tcp:[10.0.0.1]:6641,…
# $1: port
remotes() {
  local ip list='' ips
  [[ ${OVN_DB_IPS:-} =~ ^[0-9a-fA-F.:]+(,[0-9a-fA-F.:]+)*$ ]] ||
    die "OVN_DB_IPS=${OVN_DB_IPS:-}: expected IP addresses with commas between; $ADDRESSES_HINT"
  IFS=, read -ra ips <<< "$OVN_DB_IPS"
  for ip in "${ips[@]}"; do list+=",$(remote "$ip" "$1")"; done
  echo "${list#,}"
}

readonly ADDRESSES_HINT='they come from the Service ovn-central, which the kubelet may not know yet, or from the ConfigMap ovn-databases'

# $1: address, $2: port
remote() { echo "$PROTOCOL:[$1]:$2"; }

# True where something takes connections. $1: address, $2: port
answers() {
  timeout 3 bash -c 'exec 3<>"/dev/tcp/$1/$2"' answers "$1" "$2" 2>/dev/null
}
