/**
 * Where Kubernetes distributions keep CNI executables and configurations. A pod that has these
 * folders mounted at the usual paths needs none of it.
 */

/** Absolute paths on the node. */
export interface CniFolders {
  readonly binDir: string;
  readonly confDir: string;
}

/** The folders that most distributions have. */
export const USUAL: CniFolders = { binDir: '/opt/cni/bin', confDir: '/etc/cni/net.d' };

/** By the distribution's name in lower case. */
export const DISTRIBUTIONS: Readonly<Record<string, CniFolders>> = {
  kubernetes: USUAL,
  rke2: USUAL,
  talos: USUAL,
  /** Releases from October 2024 on; before, its executables moved with each upgrade. */
  k3s: {
    binDir: '/var/lib/rancher/k3s/data/cni',
    confDir: '/var/lib/rancher/k3s/agent/etc/cni/net.d',
  },
  microk8s: {
    binDir: '/var/snap/microk8s/current/opt/cni/bin',
    confDir: '/var/snap/microk8s/current/args/cni-network',
  },
  /** The configuration is that of the default network, which Multus reads. */
  openshift: { binDir: '/var/lib/cni/bin', confDir: '/run/multus/cni/net.d' },
};
