/** Kinds of objects that a cluster does not have, or that the controller may not read. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ControllerFixture } from './controller-fixture.ts';
import { macvlanNetwork, ovnNetwork, podOf, subnet } from './controller-manifests.ts';
import { conditionBecomes, eventAbout, gone } from './controller-observe.ts';

const PROVIDER = 'net.default.ovn';
const NET = `${PROVIDER}.kubernetes.io`;
const ours = (plural: string) => `/apis/kubeovn.io/v1/${plural}`;
const PROBES = 10_661;

let fixture: ControllerFixture;
let ends: readonly (() => void)[] = [];
/** The cluster does not have these kinds, or does not let the controller read them. */
function lack(api: ControllerFixture['api'], kinds: Readonly<Record<string, 403 | 404>>): void {
  ends = Object.entries(kinds).map(([path, status]) => api.faults.fail(status, { path }));
}
/** It has them, and lets it. */
function bring(): void {
  for (const end of ends) end();
}

beforeAll(async () => {
  fixture = await ControllerFixture.start({
    flags: ['--non-primary-cni-mode=true', `--probe-port=${PROBES}`],
    before: ({ api }) =>
      lack(api, {
        [ours('ippools')]: 404,
        [ours('vlans')]: 403,
        [ours('security-groups')]: 403,
        '/apis/apps/v1/statefulsets': 403,
      }),
  });
  fixture.apply(
    ovnNetwork('net'),
    subnet('net', { vpc: '', cidrBlock: '10.1.0.0/24', provider: PROVIDER }),
    macvlanNetwork('macvlan'),
    subnet('macvlan', { cidrBlock: '10.3.0.0/24', provider: 'macvlan.default' }),
  );
});
afterAll(() => fixture[Symbol.asyncDispose]());

async function readiness() {
  const response = await fetch(`http://127.0.0.1:${PROBES}/readyz`);
  return { status: response.status, text: await response.text() };
}

describe('without IPPools, Vlans, SecurityGroups and StatefulSets', () => {
  test('pods that need none of them get their addresses, and the answer about readiness names them', async () => {
    const pod = fixture.schedule(podOf('plain', 'net,macvlan'));
    expect(await fixture.allocated('default/plain', PROVIDER)).toMatchObject({
      ip_address: '10.1.0.2',
    });
    await fixture.allocated('default/plain', 'macvlan.default');
    const { status, text } = await readiness();
    expect(status).toBe(200);
    expect(text).toContain('the cluster has no ippools.kubeovn.io');
    for (const name of ['vlans.kubeovn.io', 'security-groups.kubeovn.io', 'statefulsets.apps']) {
      expect(text).toContain(`the controller may not list ${name}: grant its ClusterRole`);
    }
    await fixture.kubelet.end(pod);
    await gone(fixture, 'IP', `plain.default.${PROVIDER}`);
  });

  test('what needs one of them is told so, and goes on when it can', async () => {
    const waits = 'PodNetworkUpdateFailed';
    fixture.schedule(podOf('grouped', 'net', { [`${NET}/security_groups`]: 'web' }));
    const text = 'the controller may not list security-groups.kubeovn.io';
    await eventAbout(fixture, { kind: 'Pod', name: 'grouped', reason: waits, text });
    fixture.schedule(podOf('pooled', 'net', { [`${NET}/ip_pool`]: 'pool' }));
    await eventAbout(fixture, {
      kind: 'Pod',
      name: 'pooled',
      reason: 'AcquireAddressFailed',
      text: 'the cluster has no ippools.kubeovn.io',
    });
    const spec = { cidrBlock: '10.4.0.0/24', vlan: 'vlan7' };
    fixture.apply(subnet('outside', { vpc: '', provider: 'outside.default.ovn', ...spec }));
    const object = { kind: 'Subnet', name: 'outside' };
    const { message } = await conditionBecomes(fixture, object, { type: 'Ready', status: 'False' });
    expect(message).toContain('the controller may not list vlans.kubeovn.io');
    bring();
    fixture.apply({ kind: 'SecurityGroup', metadata: { name: 'web' }, spec: {} });
    const ips = ['10.1.0.64/28'];
    fixture.apply({ kind: 'IPPool', metadata: { name: 'pool' }, spec: { subnet: 'net', ips } });
    await fixture.allocated('default/grouped', PROVIDER);
    expect(await fixture.allocated('default/pooled', PROVIDER)).toMatchObject({
      ip_address: '10.1.0.64',
    });
  });
});

describe('without Vpcs and NetworkAttachmentDefinitions', () => {
  test('Subnets and pods say what is lacking, and all goes on when it comes', async () => {
    lack(fixture.api, {
      [ours('vpcs')]: 404,
      '/apis/k8s.cni.cncf.io/v1/network-attachment-definitions': 403,
    });
    await fixture.restartController();
    const routed = { kind: 'Subnet', name: 'net' };
    const { message } = await conditionBecomes(fixture, routed, { type: 'Ready', status: 'False' });
    expect(message).toContain('the cluster has no vpcs.kubeovn.io');
    fixture.apply(subnet('later', { cidrBlock: '10.5.0.0/24', provider: 'later.default' }));
    const object = { kind: 'Subnet', name: 'later' };
    await conditionBecomes(fixture, object, { type: 'Ready', status: 'True' });
    fixture.schedule(podOf('waits', 'net,macvlan'));
    await eventAbout(fixture, {
      kind: 'Pod',
      name: 'waits',
      reason: 'PodNetworkUpdateFailed',
      text: 'the controller may not list network-attachment-definitions.k8s.cni.cncf.io',
    });
    // What is in OVN for pods that run is left alone.
    const port = `grouped.default.${PROVIDER}`;
    expect(await fixture.node.nbctl('lsp-list', 'net')).toContain(port);
    bring();
    await fixture.allocated('default/waits', PROVIDER);
    await fixture.allocated('default/waits', 'macvlan.default');
    expect((await readiness()).text).toBe('ok\n');
  });
});
