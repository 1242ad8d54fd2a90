/** CHECKs for a plugin that we delegate addresses for: do they still belong to the pod? */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cni, deleteSandbox, inSandbox } from '../lab/runtime.ts';
import { nodeState } from '../lab/snapshot.ts';
import {
  type Attached,
  annotate,
  expectDifferences,
  expectHealthy,
  failedCheck,
  podsArrive,
} from './check-fixture.ts';
import type { Fixture } from './fixture.ts';
import { DUAL, dualPod, macvlanConfig, startIpamNode, succeeded } from './ipam-fixture.ts';

let fixture: Fixture;
beforeAll(async () => {
  fixture = await startIpamNode();
});
afterAll(() => fixture[Symbol.asyncDispose]());

/** A pod with a macvlan interface that has our addresses. */
async function macvlanPod(annotations: Readonly<Record<string, string>> = {}) {
  const { pod, sandbox, ip } = await dualPod(fixture, annotations);
  const result = succeeded(await cni('ADD', sandbox, 'net1', macvlanConfig(DUAL)));
  const attached: Attached = { sandbox, result, provider: DUAL, type: 'macvlan' };
  return { pod, sandbox, attached, ip };
}

test('the addresses of the ADD are found, and neither namespace nor OVS is touched', async () => {
  const { attached, sandbox } = await macvlanPod({ [`${DUAL}.kubernetes.io/ingress_rate`]: '10' });
  const before = await nodeState(fixture.node);
  await expectHealthy(attached);
  expect(await nodeState(fixture.node)).toEqual(before);
  // Whether the interface is as it should be is the other plugin's to say.
  await inSandbox(sandbox, 'ip', 'link', 'delete', 'net1');
  await expectHealthy(attached);
  await deleteSandbox(sandbox);
  await expectHealthy(attached);
});

test('macvlan itself asks, and passes on what differs', async () => {
  const { attached, sandbox, ip } = await macvlanPod();
  const config = { ...macvlanConfig(DUAL), prevResult: attached.result };
  succeeded(await cni('CHECK', sandbox, 'net1', config));
  await annotate(fixture, attached, { ip_address: `${ip.split(',')[0]},fd00:172:18::9:9` });
  const { exitCode, result } = await cni('CHECK', sandbox, 'net1', config);
  expect({ exitCode, code: result?.code }).toEqual({ exitCode: 1, code: 110 });
  expect(result?.msg).toContain('annotated address: expected');
});

test('a result without interfaces, and one with more addresses, are as good', async () => {
  const { attached } = await macvlanPod();
  const ips = (attached.result.ips ?? []).map(({ address }) => ({ address }));
  const more = { interfaces: [], ips: [...ips, { address: '10.1.2.3/24' }], routes: [] };
  await expectHealthy(attached, { prev_result: more });
});

test('an address that the pod no longer has, or has beside, is named', async () => {
  const { attached, ip } = await macvlanPod();
  const [v4 = '', v6 = ''] = ip.split(',');
  await annotate(fixture, attached, { ip_address: `172.18.9.9,${v6}` });
  await expectDifferences(attached, 110, [
    `annotated address: expected ${v4}, ${v6}, found 172.18.9.9, ${v6}`,
  ]);
});

test('annotations that are gone are named', async () => {
  const { attached } = await macvlanPod();
  await annotate(fixture, attached, { allocated: null, ip_address: null, cidr: null });
  const { code, msg } = await failedCheck(attached);
  expect(code).toBe(110);
  expect(msg).toContain(`annotations: expected the address of network ${DUAL}`);
});

test('a pod that was deleted, or replaced by another, is named', async () => {
  const { pod, attached, ip } = await macvlanPod();
  await fixture.cluster.deletePod(pod);
  await podsArrive(fixture);
  const expected = `pod default/${pod.name}: expected with UID ${pod.uid}`;
  await expectDifferences(attached, 110, [`${expected}, found none`]);
  const values = { allocated: 'true', ip_address: ip, cidr: '172.18.0.0/16,fd00:172:18::/64' };
  const annotations = Object.entries(values).map(([key, value]) => [
    `${DUAL}.kubernetes.io/${key}`,
    value,
  ]);
  const { uid } = fixture.cluster.createPod(pod.name, Object.fromEntries(annotations));
  await podsArrive(fixture);
  await expectDifferences(attached, 110, [`${expected}, found one with UID ${uid}`]);
});

test('an OVS that does not answer is no obstacle', async () => {
  const { attached } = await macvlanPod();
  await fixture.node.killPart('ovsdb-server', 'SIGSTOP');
  await expectHealthy(attached);
  await fixture.node.killPart('ovsdb-server', 'SIGCONT');
});

test('a daemon that knows no pods yet finds nothing', async () => {
  const { attached } = await macvlanPod();
  await annotate(fixture, attached, { ip_address: '172.18.9.8', cidr: '172.18.0.0/16' });
  expect((await failedCheck(attached)).code).toBe(110);
  await fixture.api.close();
  await fixture.restartDaemon(['--add-timeout-seconds=10']);
  await expectHealthy(attached);
  await fixture.api.start();
});
