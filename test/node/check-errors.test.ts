/** CHECKs that cannot tell whether something differs. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SOCKET } from '../lab/daemon.ts';
import { failedCheck, healthyNic, ip } from './check-fixture.ts';
import { Fixture, ovnConfig } from './fixture.ts';
import { mustDelete, startAdd, Tap } from './observe.ts';

let fixture: Fixture;
beforeAll(async () => {
  fixture = await Fixture.start(['--add-timeout-seconds=20']);
});
afterAll(() => fixture[Symbol.asyncDispose]());

describe('no difference, but an error', () => {
  test('is an ADD of the same interface that takes longer than a CHECK waits', async () => {
    const { sandbox } = await fixture.pod({ nic: () => undefined });
    await using tap = await Tap.start('/run/tap.sock', SOCKET);
    const config = ovnConfig({ server_socket: tap.path });
    const add = await tap.passedOn(() => startAdd(sandbox, 'net1', config));
    const { code, msg } = await failedCheck({ sandbox, result: { cniVersion: '1.1.0' } });
    expect(code).toBe(11);
    expect(msg).toContain('waited 10 s for an earlier call for the same interface');
    await mustDelete(sandbox, 'net1', ovnConfig());
    await add.outcome;
  });

  test('is an OVS that is not there', async () => {
    const attached = await healthyNic(fixture);
    await ip(attached, 'link set net1 mtu 1300');
    await fixture.node.killPart('ovsdb-server');
    const { code, msg, details } = await failedCheck(attached);
    await fixture.node.startPart('ovsdb-server');
    expect(code).toBe(11);
    expect(msg).toContain("cannot read OVS's rows");
    expect(details).toContain('ovs-vsctl show');
  });
  test('is an OVS that hangs', async () => {
    const attached = await healthyNic(fixture);
    await fixture.node.killPart('ovsdb-server', 'SIGSTOP');
    const { code, msg, details } = await failedCheck(attached);
    await fixture.node.killPart('ovsdb-server', 'SIGCONT');
    expect(code).toBe(11);
    expect(msg).toContain("waited 10 s for OVS's database and ip to read OVS's rows");
    expect(details).toContain('whether ovsdb-server answers');
    await mustDelete(attached.sandbox, 'net1', ovnConfig());
  });
});

test.each([
  ['no result', { prev_result: undefined }, 'prev_result'],
  ['no interfaces', { prev_result: { ips: [], routes: [] } }, 'interfaces'],
  [
    'an address that is none',
    { prev_result: { interfaces: [], ips: [{ address: '172.17.1.1' }], routes: [] } },
    'prevResult.ips[0].address is wrong: "172.17.1.1"',
  ],
  [
    'an address of no interface',
    { prev_result: { interfaces: [], ips: [{ address: '10.0.0.1/8', interface: 0 }], routes: [] } },
    'prevResult.ips[0].interface is wrong: 0',
  ],
  [
    'a route to nowhere',
    { prev_result: { interfaces: [], ips: [], routes: [{}] } },
    'prevResult.routes[0].dst is wrong: ""',
  ],
])('a request with %s is refused', async (_, changes, says) => {
  const { code, msg } = await failedCheck(await healthyNic(fixture), changes);
  expect(code).toBe(7);
  expect(msg).toContain(says);
});

test("the node's own network namespace is no pod's", async () => {
  const { sandbox, result } = await healthyNic(fixture);
  const own = { ...sandbox, netns: '/proc/1/ns/net' };
  const { code, msg } = await failedCheck({ sandbox: own, result });
  expect(code).toBe(4);
  expect(msg).toContain('CNI_NETNS is wrong: "/proc/1/ns/net"');
});
