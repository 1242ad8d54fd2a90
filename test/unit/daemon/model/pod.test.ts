import { describe, expect, it } from 'vitest';
import { MIGRATION_ANNOTATION } from '../../../../src/common/names.ts';
import type { Pod } from '../../../../src/daemon/model/pod.ts';
import { isSamePod, podKey, projectPod } from '../../../../src/daemon/model/pod.ts';

const podWith = (metadata: object): Pod =>
  projectPod({ metadata: { name: 'web-0', namespace: 'shop', uid: 'u1', ...metadata } });

describe('a pod', () => {
  it('is kept with its names and its UID', () => {
    expect(podWith({})).toMatchObject({
      namespace: 'shop',
      name: 'web-0',
      uid: 'u1',
      deleting: false,
    });
    expect(podKey('shop', 'web-0')).toBe('shop/web-0');
  });

  it.each([
    ['2026-01-01T00:00:00Z', true],
    [null, false],
    [undefined, false],
  ])('with deletionTimestamp %j is being deleted: %s', (deletionTimestamp, deleting) => {
    expect(podWith({ deletionTimestamp }).deleting).toBe(deleting);
  });

  it('keeps every annotation that the node protocol names, of every provider', () => {
    const names = [
      ...['allocated', 'ip_address', 'mac_address', 'cidr', 'gateway', 'logical_switch', 'routed'],
      ...['routes', 'default_route', 'ingress_rate', 'egress_rate', 'ingress_burst'],
      ...['egress_burst', 'latency', 'jitter', 'limit', 'loss', 'priority', 'mirror'],
      ...['provider_network', 'vlan_id', 'pod_nic_type', 'virtualmachine', 'activation_strategy'],
    ];
    const providers = ['ovn', 'attachnet.default.ovn', 'attachnet.default.ovn.net1', 'm.default'];
    const keys = providers.flatMap((each) => names.map((name) => `${each}.kubernetes.io/${name}`));
    const annotations = Object.fromEntries(keys.map((key) => [key, 'x']));
    expect({ ...podWith({ annotations }).annotations }).toEqual(annotations);
  });

  it("keeps KubeVirt's and the kubelet's marks, and nothing that only costs memory", () => {
    const kept = { [MIGRATION_ANNOTATION]: 'job', 'kubernetes.io/config.hash': 'h' };
    const annotations = {
      ...kept,
      'kubectl.kubernetes.io/last-applied-configuration': '{}'.repeat(1000),
      'k8s.v1.cni.cncf.io/network-status': '[]',
      'example.org/x': 'x',
      'kubernetes.io/config.source': 'api',
    };
    expect({ ...podWith({ annotations }).annotations }).toEqual(kept);
  });

  it('may have no annotations', () => {
    for (const metadata of [{}, { annotations: null }, { annotations: {} }]) {
      expect(Object.keys(podWith(metadata).annotations)).toEqual([]);
    }
  });

  it('has no annotations that objects have by themselves', () => {
    const annotations = JSON.parse('{"__proto__":{"ovn.kubernetes.io/ip_address":"1.1.1.1"}}');
    const pod = podWith({ annotations });
    expect(pod.annotations['ovn.kubernetes.io/ip_address']).toBeUndefined();
    expect(pod.annotations.toString).toBeUndefined();
  });
});

describe('a UID of a call', () => {
  const pod = podWith({});
  const staticPod = podWith({ annotations: { 'kubernetes.io/config.hash': 'h1' } });

  it('means the pod that has it, or any where the runtime does not say it', () => {
    expect(isSamePod(pod, 'u1')).toBe(true);
    expect(isSamePod(pod, undefined)).toBe(true);
    expect(isSamePod(pod, 'u2')).toBe(false);
  });

  it('of a static pod is the one that the kubelet made of its file', () => {
    expect(isSamePod(staticPod, 'h1')).toBe(true);
    expect(isSamePod(staticPod, 'u1')).toBe(true);
    expect(isSamePod(staticPod, 'h2')).toBe(false);
  });
});
