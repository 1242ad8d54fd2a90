#!/bin/sh
# Init container: puts the executable into the node's CNI directory. Copy, then rename: a plain
# copy over a file that runs fails ("text file busy"), and a half-written one must never run.
set -eu
# A shell that is interrupted runs its EXIT trap only when it exits by itself.
trap 'exit 130' INT
trap 'exit 143' TERM
target_dir=/opt/cni/bin
for word in "$@"; do
  case $word in
    # Flags of Kube-OVN's script, for its configuration file: not this script's business.
    --*) echo "install-cni: $word has no effect here" ;;
    *) target_dir=$word ;;
  esac
done
temporary="$target_dir/.kube-ovn.$$"
trap 'rm -f "$temporary"' EXIT
cp /kube-ovn/kube-ovn "$temporary"
chmod 755 "$temporary"
mv -f "$temporary" "$target_dir/kube-ovn"
echo "installed $target_dir/kube-ovn"
