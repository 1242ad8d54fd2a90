/** NICs on a provider network whose card is on a wire with VLANs, by what is seen on the wire. */
import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SubnetPlan } from '../lab/cluster.ts';
import { command } from '../lab/command.ts';
import { inSandbox, outcomeInSandbox } from '../lab/runtime.ts';
import { podAddresses } from '../lab/snapshot.ts';
import { Tcpdump } from '../lab/tcpdump.ts';
import { asSandbox, type Machine, readyCard, Wire } from '../lab/wire.ts';
import { Fixture } from './fixture.ts';
import { expectLimits } from './limits-throughput.ts';
import { canPing, mustAdd, mustDelete, pings } from './observe.ts';
import { configOn, connectCard, createUnderlay, podOnUnderlay } from './underlay-fixture.ts';

const NIC = 'eth1';

let fixture: Fixture;
let wire: Wire;
let untagged: SubnetPlan;
let tagged: SubnetPlan;
let router: Machine;
beforeAll(async () => {
  fixture = await Fixture.start(['--add-timeout-seconds=30']);
  wire = await Wire.start();
  await wire.card(NIC);
  await readyCard(NIC);
  await connectCard(fixture, NIC);
  untagged = await createUnderlay(fixture, { name: 'plain', octet: 90, vlan: 0 });
  tagged = await createUnderlay(fixture, { name: 'tagged', octet: 91, vlan: 100 });
  router = await machine('router', 0, 90);
  await machine('router100', 100, 91);
  // Somebody else's VLAN, with the addresses of the tagged Subnet.
  await machine('router200', 200, 91);
});
afterAll(async () => {
  await wire.stop();
  await fixture[Symbol.asyncDispose]();
});

function machine(name: string, vlan: number, octet: number): Promise<Machine> {
  const addresses = [`10.${octet}.0.1/16`, `fd00:10:${octet}::1/64`];
  return wire.machine({ name, vlan, addresses });
}

describe('frames of a NIC', () => {
  test('have the tag of its VLAN on the wire, and are for that VLAN only', async () => {
    const { sandbox } = await podOnUnderlay(fixture, tagged, '10.91.1.1');
    const other = await Tcpdump.start(NIC, 1, 'vlan 200 and arp');
    await mustAdd(sandbox, 'net1', configOn(tagged));
    const dump = await Tcpdump.start(NIC, 2, 'vlan 100 and icmp');
    expect(await pings(sandbox, '10.91.0.1')).toBe(true);
    expect(await dump.packets()).toHaveLength(2);
    // The machine of the other VLAN, which has the same address, has heard nothing.
    const table = await command('ip', ['netns', 'exec', 'router200', 'ip', 'neighbour']);
    expect(table).not.toContain('10.91.1.1 ');
    await mustDelete(sandbox, 'net1', configOn(tagged));
    other.end();
    expect(await other.packets()).toEqual([]);
  });

  test('have none where its VLAN is 0, in packets as large as the provider network carries', async () => {
    const { sandbox } = await podOnUnderlay(fixture, untagged, '10.90.1.1');
    await mustAdd(sandbox, 'net1', configOn(untagged));
    const dump = await Tcpdump.start(NIC, 2, 'icmp');
    expect(await pings(sandbox, '10.90.0.1')).toBe(true);
    expect(await dump.packets()).toHaveLength(2);
    const largest = ['ping', '-n', '-c', '1', '-W', '5', '-M', 'do', '-s', '1472'] as const;
    expect((await outcomeInSandbox(sandbox, ...largest, '10.90.0.1')).exitCode).toBe(0);
    await mustDelete(sandbox, 'net1', configOn(untagged));
  });

  test('do not reach a NIC of another VLAN on the same node', async () => {
    const one = await podOnUnderlay(fixture, untagged, '10.90.1.2');
    const two = await podOnUnderlay(fixture, tagged, '10.91.1.2');
    await mustAdd(one.sandbox, 'net1', configOn(untagged));
    await mustAdd(two.sandbox, 'net1', configOn(tagged));
    await inSandbox(one.sandbox, 'ip', 'route', 'add', '10.91.1.2/32', 'dev', 'net1');
    await inSandbox(two.sandbox, 'ip', 'route', 'add', '10.90.1.2/32', 'dev', 'net1');
    expect(await canPing(one.sandbox, '10.91.1.2')).toBe(false);
    await mustDelete(one.sandbox, 'net1', configOn(untagged));
    await mustDelete(two.sandbox, 'net1', configOn(tagged));
  });
});

test('IPv6 detects duplicates while IPv4 still does, and the gateway is asked only after that', async () => {
  const ip = '10.90.1.3,fd00:10:90::1:3';
  const { sandbox, nic } = await podOnUnderlay(fixture, untagged, ip);
  const own = `ether src ${nic.mac}`;
  const filter = `${own} and (arp or (icmp6 and ip6[40] == 135))`;
  const dump = await Tcpdump.start(NIC, 50, filter);
  await mustAdd(sandbox, 'net1', configOn(untagged));
  dump.end();
  const seen = await dump.packets();
  const isProbe = (line: string) => /who-has 10\.90\.1\.3 .*tell 0\.0\.0\.0/.test(line);
  const lastProbe = seen.findLastIndex(isProbe);
  const solicitation = seen.findIndex((line) => line.includes('who has fd00:10:90::1:3'));
  const asked = seen.findIndex((line) => line.includes('who-has 10.90.0.1 tell 10.90.1.3'));
  expect(seen.filter(isProbe), seen.join('\n')).toHaveLength(2);
  expect(solicitation, seen.join('\n')).toBeGreaterThanOrEqual(0);
  expect(solicitation).toBeLessThan(lastProbe);
  expect(asked === -1 || asked > lastProbe, seen.join('\n')).toBe(true);
  await mustDelete(sandbox, 'net1', configOn(untagged));
});

describe('limits and mirroring', () => {
  test('hold the rate of what comes from machines on the wire', async (context) => {
    const limited = await podOnUnderlay(fixture, untagged, '10.90.1.4', { ingress_rate: '20' });
    const free = await podOnUnderlay(fixture, untagged, '10.90.1.5');
    for (const { sandbox } of [limited, free]) await mustAdd(sandbox, 'net1', configOn(untagged));
    const from = { client: asSandbox(router), protocol: 'TCP' } as const;
    const toLimited = { ...from, server: limited.sandbox, address: '10.90.1.4', limitMbps: 20 };
    const toFree = { ...from, server: free.sandbox, address: '10.90.1.5' };
    await expectLimits(context, [toLimited], toFree);
    for (const { sandbox } of [limited, free]) {
      await mustDelete(sandbox, 'net1', configOn(untagged));
    }
  });

  test('copy to the mirror what comes from the wire to the NIC', async () => {
    const { sandbox } = await podOnUnderlay(fixture, tagged, '10.91.1.6', { mirror: 'true' });
    await mustAdd(sandbox, 'net1', configOn(tagged));
    const dump = await Tcpdump.start('mirror0', 1, 'icmp and src host 10.91.0.1');
    expect(await pings(sandbox, '10.91.0.1')).toBe(true);
    expect((await dump.packets()).join()).toContain('10.91.0.1 > 10.91.1.6: ICMP echo reply');
    await mustDelete(sandbox, 'net1', configOn(tagged));
  });
});

/** What busybox's DHCP client runs with each news: it takes the address that it is given. */
const DHCP_SCRIPT = `#!/bin/sh
[ "$1" = bound ] || exit 0
exec ip address add "$ip/$mask" dev "$interface"
`;
const DHCP_SERVER = `start 10.91.7.7
end 10.91.7.7
interface eth0
lease_file /run/leases
opt subnet 255.255.0.0
`;

test('a NIC without an address gets one by DHCP from a server on the wire', async () => {
  const { sandbox } = await podOnUnderlay(fixture, tagged, '');
  await mustAdd(sandbox, 'net1', configOn(tagged));
  expect(await podAddresses(sandbox, 'net1')).toEqual([]);
  await writeFile('/run/dhcp.sh', DHCP_SCRIPT, { mode: 0o700 });
  await writeFile('/run/dhcp.conf', DHCP_SERVER);
  await writeFile('/run/leases', '');
  const netns = ['netns', 'exec', 'router100'];
  await command('ip', [...netns, 'busybox', 'udhcpd', '/run/dhcp.conf']);
  const client = ['udhcpc', '-f', '-q', '-n', '-t', '20', '-T', '1', '-i', 'net1'];
  await inSandbox(sandbox, 'busybox', ...client, '-s', '/run/dhcp.sh');
  expect(await podAddresses(sandbox, 'net1')).toEqual(['10.91.7.7/16']);
  expect(await pings(sandbox, '10.91.0.1')).toBe(true);
  await mustDelete(sandbox, 'net1', configOn(tagged));
});
