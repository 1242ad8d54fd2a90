# The image of the DaemonSet, with the daemon and the executable that its init container copies to
# the node's /opt/cni/bin, and of the controller's Deployment (deploy/controller.yaml).
FROM node:24-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY tsconfig.json ./
COPY src src
COPY scripts/build.ts scripts/environment-names.ts scripts/
RUN node scripts/build.ts

FROM node:24-bookworm-slim
# What the daemon runs: OVS's clients, iproute2, and probes; and the controller: ovn-nbctl.
RUN apt-get update \
 && apt-get install -y --no-install-recommends \
      openvswitch-common openvswitch-switch ovn-common iproute2 iputils-arping iputils-ping ethtool procps util-linux \
 && rm -rf /var/lib/apt/lists/*
COPY --from=build /build/dist/kube-ovn /kube-ovn/kube-ovn
COPY --from=build /build/dist/kube-ovn-cni.cjs /kube-ovn/kube-ovn-cni.cjs
COPY --from=build /build/dist/kube-ovn-controller.cjs /kube-ovn/kube-ovn-controller.cjs
COPY --from=build /build/dist/kube-ovn-install.cjs /kube-ovn/kube-ovn-install.cjs
COPY image/ /kube-ovn/
ENV NODE_ENV=production
ENTRYPOINT ["/kube-ovn/kube-ovn-cni.cjs"]
