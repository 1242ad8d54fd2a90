#!/bin/sh
# Init container: puts the executable into the node's CNI directory. Copy, then rename: a plain
# copy over a file that runs fails ("text file busy"), and a half-written one must never run.
set -eu
target_dir=${1:-/opt/cni/bin}
temporary="$target_dir/.kube-ovn.$$"
trap 'rm -f "$temporary"' EXIT
cp /kube-ovn/kube-ovn "$temporary"
chmod 755 "$temporary"
mv -f "$temporary" "$target_dir/kube-ovn"
echo "installed $target_dir/kube-ovn"
