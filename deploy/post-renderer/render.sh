#!/bin/sh
# helm upgrade … --post-renderer deploy/post-renderer/render.sh: takes on stdin what the chart renders,
# and prints it with this project's image for the agent. The images are in kustomization.yaml beside
# this file. Needs kubectl.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cp "$(dirname "$0")/kustomization.yaml" "$folder"
cat > "$folder/all.yaml"
kubectl kustomize "$folder"
