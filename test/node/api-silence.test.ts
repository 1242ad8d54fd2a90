/**
 * Connections to the API server that die in silence, with the limits that the programs have: packets
 * of all connections vanish, and new connections work, as when a load balancer has failed over.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BlackHole } from '../lab/black-hole.ts';
import { Controller } from '../lab/controller.ts';
import type { Protocol } from '../lab/kubernetes/listener.ts';
import { Fixture, ovnConfig } from './fixture.ts';
import { mustAdd } from './observe.ts';

/** What issue and documentation promise, from the moment on at which packets vanish; ms. */
const SEEING_AGAIN_MS = 30_000;
const LIMIT_MS = 120_000;
const PROTOCOLS: readonly Protocol[] = ['h2', 'http/1.1'];

describe.each(PROTOCOLS)('connections of %s that die in silence', (protocol) => {
  let fixture: Fixture;
  beforeAll(async () => {
    fixture = await Fixture.start(['--add-timeout-seconds=60'], { protocol });
  });
  afterAll(() => fixture[Symbol.asyncDispose]());

  /** @returns when packets began to vanish, and the end of that */
  async function vanish() {
    const { api } = fixture;
    const hole = await BlackHole.ofConnections(Number(new URL(api.url).port), api.clientPorts);
    return { startedMs: performance.now(), hole };
  }

  test('do not keep a new pod from the daemon for more than 30 s', {
    timeout: LIMIT_MS,
  }, async () => {
    const { api, daemon } = fixture;
    // Pods, Subnets, IPs, ProviderNetworks, and the node.
    await api.watches.waitForCount(5);
    const { startedMs, hole } = await vanish();
    const { sandbox } = await fixture.pod();
    await mustAdd(sandbox, 'net1', ovnConfig());
    expect(performance.now() - startedMs).toBeLessThan(SEEING_AGAIN_MS);
    await hole[Symbol.asyncDispose]();
    await daemon.stop();
  });

  test('do not keep a new pod from the controller for more than 30 s', {
    timeout: LIMIT_MS,
  }, async () => {
    const { api } = fixture;
    const provider = 'macvlan.default';
    const config = { cniVersion: '1.0.0', type: 'macvlan', ipam: { type: 'kube-ovn', provider } };
    api.create({ kind: 'Namespace', metadata: { name: 'default' } });
    api.create({
      kind: 'NetworkAttachmentDefinition',
      metadata: { namespace: 'default', name: 'macvlan' },
      spec: { config: JSON.stringify(config) },
    });
    api.create({
      kind: 'Subnet',
      metadata: { name: 'macvlan' },
      spec: { provider, cidrBlock: '10.64.0.0/16' },
    });
    // The fixture's is the daemon's, with its role.
    const kubeconfig = '/run/kube/controller-config';
    await api.writeKubeconfig(kubeconfig);
    const flags = ['--non-primary-cni-mode=true'];
    const controller = await Controller.start({
      kubeconfig,
      flags,
      northbound: undefined,
    });
    const { startedMs, hole } = await vanish();
    api.create({
      kind: 'Pod',
      metadata: {
        name: 'new',
        namespace: 'default',
        annotations: { 'k8s.v1.cni.cncf.io/networks': 'default/macvlan' },
      },
      spec: { nodeName: 'node1', containers: [] },
    });
    await api.until('Pod', 'default/new', ({ metadata }) => {
      return metadata.annotations?.[`${provider}.kubernetes.io/allocated`] === 'true';
    });
    expect(performance.now() - startedMs).toBeLessThan(SEEING_AGAIN_MS);
    expect(controller.process.exitCode).toBe(null);
    await hole[Symbol.asyncDispose]();
    await controller.stop();
  });
});
