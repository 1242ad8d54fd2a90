/** The manifests that install the daemon say what the daemon needs. */
import { describe, expect, it } from 'vitest';
import { parseFlags } from '../../../src/daemon/flags.ts';
import { missingCapabilities } from '../../../src/daemon/node/abilities.ts';
import { DAEMON } from '../../lab/kubernetes/api.ts';
import { containerOf, find, rendered, templateOf, whyNotRendered } from './rendered.ts';

const rules = DAEMON.grants.flatMap(({ rules }) => rules);

describe("the daemon's role", () => {
  it('lets it write nodes, events and IP objects, in its own namespace pods, and nothing else', () => {
    const writes = ['create', 'update', 'patch', 'delete', 'deletecollection', '*'];
    const written = DAEMON.grants.flatMap(({ namespace = 'everywhere', rules }) =>
      rules
        .filter(({ verbs }) => verbs.some((verb) => writes.includes(verb)))
        .flatMap(({ resources = [] }) => resources.map((resource) => `${resource}, ${namespace}`)),
    );
    const everywhere = ['events', 'ips', 'nodes'].map((resource) => `${resource}, everywhere`);
    expect(written.toSorted()).toEqual([...everywhere, 'pods, kube-system']);
    expect(rules.flatMap(({ verbs }) => verbs)).not.toContain('delete');
    expect(JSON.stringify(rules)).not.toContain('*');
  });

  it('shows it no Secret and no ConfigMap', () => {
    const resources = rules.flatMap(({ resources }) => resources);
    for (const resource of ['secrets', 'configmaps']) expect(resources).not.toContain(resource);
  });
});

/** Of tcpdump, which `kubectl ko` runs in the daemon's container and which leaves root. */
const TCPDUMP = ['SETGID', 'SETUID'];

/** Numbers of capabilities(7): of what the daemon itself needs. */
const BITS: Readonly<Record<string, bigint>> = {
  NET_ADMIN: 12n,
  NET_RAW: 13n,
  SYS_PTRACE: 19n,
  SYS_ADMIN: 21n,
};

describe.skipIf(whyNotRendered).each(['overlays/non-primary', 'overlays/primary'])(
  "the daemon's DaemonSet in %s",
  (folder) => {
    const daemonSet = () => find(rendered(folder), 'DaemonSet', 'kube-ovn-cni');
    const pod = () => templateOf(daemonSet())?.spec;
    const container = () => containerOf(rendered(folder), 'kube-ovn-cni', 'cni-server');

    it('gives it the capabilities that it needs, and no others', () => {
      const added = container().securityContext?.capabilities?.add ?? [];
      expect(added.toSorted()).toEqual([...Object.keys(BITS), ...TCPDUMP].toSorted());
      const mask = Object.keys(BITS).reduce((all, name) => all | (1n << (BITS[name] ?? 0n)), 0n);
      expect(missingCapabilities(`CapEff:\t${mask.toString(16)}\n`)).toEqual([]);
    });

    it('shows it the sandboxes of pods that come later', () => {
      const mounts = container().volumeMounts ?? [];
      for (const path of ['/run/netns', '/run/openvswitch']) {
        const mount = mounts.find(({ mountPath }) => mountPath === path);
        expect(mount).toMatchObject({ mountPropagation: 'HostToContainer' });
        expect(mount?.readOnly).toBeUndefined();
      }
    });

    it('is asked by the kubelet where Kube-OVN’s is', () => {
      expect(container().livenessProbe?.httpGet).toEqual({ path: '/livez', port: 10_665 });
      expect(container().readinessProbe?.httpGet).toEqual({ path: '/readyz', port: 10_665 });
    });

    it('is found by kubectl ko', () => {
      expect(templateOf(daemonSet())?.metadata?.labels).toMatchObject({ app: 'kube-ovn-cni' });
    });

    it('is replaced on a tenth of the nodes at once, and on each by itself', () => {
      expect(daemonSet().spec?.updateStrategy).toEqual({
        type: 'RollingUpdate',
        rollingUpdate: { maxUnavailable: '10%' },
      });
    });

    it('starts it with flags that it knows', () => {
      expect(() => parseFlags(container().args ?? [], { NODE_NAME: 'node1' })).not.toThrow();
    });

    it('runs in the host’s network and sees its processes, and looks up no names in the cluster', () => {
      expect(pod()).toMatchObject({ hostNetwork: true, hostPID: true, dnsPolicy: 'Default' });
    });
  },
);
