# The images, for amd64 and arm64, of which each can be built on either: nothing is emulated. Two
# targets: agent, the default, with daemon, controller and CNI executable; and ovn, with the servers of
# OVS and OVN for deploy/components/ovn. What is in them, how large they are and how they are built
# twice with the same bytes: docs/image.md. Built by "npm run image", or by any engine.
#
# NODE_IMAGE only builds: nothing of it is in the images.
ARG NODE_IMAGE=docker.io/library/node:24-bookworm-slim

FROM --platform=$BUILDPLATFORM ${NODE_IMAGE} AS build
ARG TARGETARCH
WORKDIR /build
COPY package.json package-lock.json ./
# The second installation has node and bun for the image's processor. Who needs a registry or an
# authority of his own gives both as secrets.
RUN --mount=type=secret,id=npmrc,target=/root/.npmrc \
    --mount=type=secret,id=ca,target=/run/secrets/ca.pem \
    case "$TARGETARCH" in amd64) cpu=x64 ;; arm64) cpu=arm64 ;; *) echo "no $TARGETARCH" >&2; exit 1 ;; esac; \
    npm ci --ignore-scripts --no-audit --no-fund \
 && mkdir /runtimes && cp package.json package-lock.json /runtimes \
 && npm ci --prefix /runtimes --omit=dev --os=linux --cpu=$cpu --ignore-scripts --no-audit --no-fund
COPY tsconfig.json ./
COPY scripts/build.ts scripts/code-cache.ts scripts/environment-names.ts scripts/unused-code.ts scripts/
COPY src src
RUN node scripts/build.ts --arch=$TARGETARCH --runtimes=/runtimes/node_modules
COPY scripts/image scripts/image
COPY image image
RUN node scripts/image/programs.ts agent /runtimes/node_modules /agent \
 && node scripts/image/programs.ts ovn /runtimes/node_modules /ovn

FROM --platform=$BUILDPLATFORM ${NODE_IMAGE} AS debian
WORKDIR /build
COPY package.json ./
COPY src/installer/mark.ts src/installer/mark.ts
COPY scripts/image scripts/image
COPY image/debian-packages.lock image/debian-packages.lock

FROM debian AS debian-ovn
ARG TARGETARCH
ARG DEBIAN_MIRROR
RUN node scripts/image/rootfs.ts ovn $TARGETARCH /rootfs

FROM debian AS debian-agent
ARG TARGETARCH
ARG DEBIAN_MIRROR
RUN node scripts/image/rootfs.ts agent $TARGETARCH /rootfs

FROM scratch AS ovn
COPY --from=debian-ovn /rootfs/ /
COPY --from=build /ovn/ /
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="kube-ovn-node-ovn" \
      org.opencontainers.image.description="Servers of Open vSwitch and OVN, of Debian's packages, for deploy/components/ovn" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.licenses="Apache-2.0 AND MIT AND BSD-3-Clause AND LGPL-2.1-or-later AND GPL-2.0-or-later AND GPL-3.0-or-later"
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
WORKDIR /
ENTRYPOINT ["dumb-init", "--"]
CMD ["ovs-vswitchd", "--version"]

FROM scratch AS agent
# Three layers, from what changes seldom to what changes often: Debian's packages, node, this project.
COPY --from=debian-agent /rootfs/ /
COPY --from=build /agent/usr/ /usr/
COPY --from=build /agent/kube-ovn/ /kube-ovn/
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="kube-ovn-node" \
      org.opencontainers.image.description="Kube-OVN's node daemon, CNI executable and controller in TypeScript" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.licenses="Apache-2.0 AND MIT AND BSD-3-Clause AND LGPL-2.1-or-later AND GPL-2.0-or-later AND GPL-3.0-or-later"
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    NODE_ENV=production
# Kube-OVN's scripts and charts name files relative to it.
WORKDIR /kube-ovn
# An init that runs its arguments: the charts' controller has no command of its own.
ENTRYPOINT ["dumb-init", "--"]
CMD ["/kube-ovn/kube-ovn-cni", "--help"]
