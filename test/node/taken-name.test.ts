/** An interface name that is taken in the pod: the error names who most likely has it. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cni } from '../lab/runtime.ts';
import { podLink } from '../lab/snapshot.ts';
import { ATTACHNET, Fixture, ovnConfig } from './fixture.ts';
import { canPing } from './observe.ts';

const SECOND = 'second.default.ovn';

let fixture: Fixture;
beforeAll(async () => {
  fixture = await Fixture.start();
});
afterAll(() => fixture[Symbol.asyncDispose]());

test('by another network of the pod with the same interface name, which stays when the refused one goes', async () => {
  const subnet = await fixture.cluster.createSubnet({
    name: 'second',
    provider: SECOND,
    cidrBlock: '172.18.0.0/16',
    gateway: '172.18.0.1',
  });
  const { pod, sandbox } = await fixture.pod();
  const mac = '00:00:00:18:00:05';
  await fixture.cluster.allocate(pod, { provider: SECOND, subnet, ip: '172.18.0.5', mac });
  const first = ovnConfig({ name: 'first' });
  expect((await cni('ADD', sandbox, 'net1', first)).exitCode).toBe(0);
  const link = await podLink(sandbox, 'net1');

  const config = ovnConfig({ name: 'second', provider: SECOND });
  const second = await cni('ADD', sandbox, 'net1', config);
  expect(second.result?.code, second.stdout).toBe(4);
  expect(second.result?.msg).toContain('CNI_IFNAME is wrong: "net1"');
  expect(second.result?.details).toContain(`the interface of network "${ATTACHNET}"`);
  // Nor does the DEL that follows take the first network's interface.
  expect((await cni('DEL', sandbox, 'net1', config)).exitCode).toBe(0);
  expect(await podLink(sandbox, 'net1')).toEqual(link);
  expect(await canPing(sandbox, '172.17.0.1')).toBe(true);
  expect((await cni('DEL', sandbox, 'net1', first)).exitCode).toBe(0);
  expect(await podLink(sandbox, 'net1')).toBeUndefined();
});

test('by an earlier plugin of the chain', async () => {
  const { sandbox } = await fixture.pod();
  const interfaces = [{ name: 'net1', mac: '00:00:00:00:00:01', sandbox: sandbox.netns }];
  const prevResult = { cniVersion: '1.0.0', interfaces, ips: [] };
  const chained = await cni('ADD', sandbox, 'net1', ovnConfig({ prevResult }));
  expect(chained.result?.code, chained.stdout).toBe(4);
  expect(chained.result?.details).toContain('an earlier plugin of the same chain has made');
  expect(await podLink(sandbox, 'net1')).toBeUndefined();
});

test('the prevResult of a chain that has other interfaces, or is none, is no obstacle', async () => {
  const { sandbox } = await fixture.pod();
  const others = [{ name: 'eth0', sandbox: sandbox.netns }, { name: 'net1' }, null, 5];
  for (const prevResult of [{ interfaces: others }, { interfaces: 5 }, 'x']) {
    const added = await cni('ADD', sandbox, 'net1', ovnConfig({ prevResult }));
    expect(added.exitCode, added.stdout).toBe(0);
    expect((await cni('DEL', sandbox, 'net1', ovnConfig())).exitCode).toBe(0);
  }
});
