/**
 * What pods of one network do to each other: a router advertisement of a neighbour configures
 * nobody, and neighbours learn at once that an address is at another MAC.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { NicPlan } from '../lab/cluster.ts';
import { command } from '../lab/command.ts';
import { SOCKET } from '../lab/daemon.ts';
import { routerAdvertisement, sendFrame } from '../lab/raw-frame.ts';
import { callRaw, requestFields } from '../lab/raw-http.ts';
import { createSandbox, inSandbox, type Sandbox } from '../lab/runtime.ts';
import { podAddresses, podRoutes } from '../lab/snapshot.ts';
import { Tcpdump } from '../lab/tcpdump.ts';
import { ATTACHNET, Fixture, ovnConfig, PRIMARY } from './fixture.ts';
import { canPing, failedAdd, hostName, mustAdd, mustDelete, sysctl } from './observe.ts';

let fixture: Fixture;
beforeAll(async () => {
  fixture = await Fixture.start(['--add-timeout-seconds=20']);
  await fixture.cluster.createSubnet(PRIMARY);
});
afterAll(() => fixture[Symbol.asyncDispose]());

const OFFERED = '2001:db8:bad:';
const OFF = ['net.ipv6.conf.all.disable_ipv6=1', 'net.ipv6.conf.default.disable_ipv6=1'];

type Families = 'IPv4' | 'IPv6' | 'dual stack';

function podWith(families: Families) {
  return fixture.pod({
    nic: (nic) => {
      const v6 = `fd00:172:17::3:${nic.ip.split('.').slice(2).join(':')}`;
      const ip = { IPv4: nic.ip, IPv6: v6, 'dual stack': `${nic.ip},${v6}` }[families];
      return { ...nic, ip };
    },
  });
}

/** Every router's address and route that is not one of ours. */
async function learnt(sandbox: Sandbox): Promise<string[]> {
  const [addresses, routes] = await Promise.all([
    podAddresses(sandbox, 'net1'),
    inSandbox(sandbox, 'ip', '-6', 'route', 'show', 'table', 'all', 'proto', 'ra'),
  ]);
  const lines = [...addresses, ...routes.split('\n')];
  return lines.filter((line) => line.includes(OFFERED) || line.includes('proto ra'));
}

/** A pod that takes advertisements, since somebody changed it; a neighbour of the others. */
async function gullible(): Promise<Sandbox> {
  const { sandbox } = await podWith('dual stack');
  await mustAdd(sandbox, 'net1', ovnConfig());
  await inSandbox(sandbox, 'sysctl', '-q', '-w', 'net.ipv6.conf.net1.accept_ra=1');
  return sandbox;
}

/** Sends one from a pod, and waits until a pod that takes them has taken it. */
async function advertise(witness: Sandbox): Promise<void> {
  const { sandbox, nic } = await podWith('IPv4');
  await mustAdd(sandbox, 'net1', ovnConfig());
  await sendFrame(sandbox, 'net1', routerAdvertisement(nic.mac ?? ''));
  await expect.poll(() => learnt(witness), { timeout: 60_000 }).not.toEqual([]);
}

describe('a router advertisement of a pod', () => {
  test('configures no other pod of the network, whatever its families', async () => {
    const victims: Sandbox[] = [];
    for (const families of ['IPv4', 'IPv6', 'dual stack'] as const) {
      for (const isOff of [false, true]) {
        const { sandbox } = await podWith(families);
        if (isOff) await inSandbox(sandbox, 'sysctl', '-q', '-w', ...OFF);
        await mustAdd(sandbox, 'net1', ovnConfig());
        victims.push(sandbox);
      }
    }
    await advertise(await gullible());
    for (const sandbox of victims) {
      expect(await learnt(sandbox)).toEqual([]);
      expect(await podRoutes(sandbox, 6)).toEqual([]);
      expect(await sysctl(sandbox, 'net.ipv6.conf.net1.accept_ra')).toBe('0');
    }
  });

  test('configures no pod whose ADD an executable of another version asked for', async () => {
    const { sandbox } = await podWith('IPv4');
    const body = JSON.stringify(requestFields(sandbox, ATTACHNET));
    expect((await callRaw(SOCKET, { path: '/api/v1/add', body })).status).toBe(200);
    await advertise(await gullible());
    expect(await learnt(sandbox)).toEqual([]);
  });

  test('may be asked for on an underlay network only', async () => {
    const { sandbox } = await podWith('IPv4');
    const { code, msg, details } = await failedAdd(sandbox, 'net1', ovnConfig({ accept_ra: true }));
    expect(code).toBe(7);
    expect(msg).toContain('accept_ra is wrong: true');
    expect(details).toContain('underlay');
  });

  test("leaves what others make in the sandbox as the sandbox's defaults have it", async () => {
    const { sandbox } = await podWith('dual stack');
    await inSandbox(sandbox, 'sysctl', '-q', '-w', ...OFF);
    await mustAdd(sandbox, 'net1', ovnConfig());
    expect(await sysctl(sandbox, 'net.ipv6.conf.default.disable_ipv6')).toBe('1');
    expect(await sysctl(sandbox, 'net.ipv6.conf.default.accept_ra')).toBe('1');
    expect(await sysctl(sandbox, 'net.ipv6.conf.lo.disable_ipv6')).toBe('1');
    // Nor is the node changed.
    const own = (key: string) => command('sysctl', ['-n', `net.ipv6.conf.default.${key}`]);
    expect([await own('accept_ra'), await own('disable_ipv6')]).toEqual(['1\n', '0\n']);
  });
});

test("our executable with Kube-OVN's daemon makes a dual stack NIC where IPv6 was switched off", async () => {
  const { sandbox } = await podWith('dual stack');
  await inSandbox(sandbox, 'sysctl', '-q', '-w', ...OFF);
  const socket = '/run/go-daemon.sock';
  const failures: unknown[] = [];
  // Kube-OVN's daemon makes the pair on the node, moves one end, and writes no parameter.
  const makeNic = async () => {
    for (const line of [
      'link add go_h type veth peer name go_c',
      `link set go_c netns ${sandbox.netnsName}`,
      `-n ${sandbox.netnsName} link set go_c name net1`,
      `-n ${sandbox.netnsName} link set net1 up`,
      `-n ${sandbox.netnsName} address add fd00:172:17::7/64 dev net1 nodad`,
    ])
      await command('ip', line.split(' '));
  };
  const server = createServer((request, response) => {
    request.resume().once('end', async () => {
      await makeNic().catch((error) => failures.push(error));
      const ips = [{ protocol: 'IPv6', ip: 'fd00:172:17::7', cidr: 'fd00:172:17::/64' }];
      const nic = { nicname: 'net1', mac_address: '00:00:00:00:00:07', mtu: 1500 };
      response.writeHead(200, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify({ ips, ...nic, routes: null, dns: {}, error: '' }));
    });
  });
  server.listen(socket);
  await once(server, 'listening');
  const result = await mustAdd(sandbox, 'net1', ovnConfig({ server_socket: socket }));
  server.close();
  expect(failures).toEqual([]);
  expect(result.ips).toEqual([{ interface: 0, address: 'fd00:172:17::7/64' }]);
  expect(await podAddresses(sandbox, 'net1')).toEqual(['fd00:172:17::7/64']);
  expect(await sysctl(sandbox, 'net.ipv6.conf.net1.accept_ra')).toBe('0');
  await command('ip', ['link', 'delete', 'go_h']);
});

describe('an address that comes back with another MAC', () => {
  /** Far less than the 20 s that a neighbour's stale entry takes, and more than a busy machine; ms. */
  const AT_ONCE_MS = 3000;

  /** The time until a pod gets the first answer of echoes that are sent every 20 ms; ms. */
  async function answerMs(sandbox: Sandbox, address: string): Promise<number> {
    const startedMs = performance.now();
    const options = ['-n', '-c', '1', '-i', '0.02', '-w', '30', '-I', 'net1'];
    await inSandbox(sandbox, 'ping', ...options, address);
    return performance.now() - startedMs;
  }

  async function comeBack(pod: Sandbox['pod'], nic: NicPlan, sandbox: Sandbox): Promise<Sandbox> {
    await mustDelete(sandbox, 'net1', ovnConfig());
    await fixture.cluster.deletePod(pod, [nic]);
    const next = fixture.cluster.createPod(`${pod.name}-next`);
    const mac = (nic.mac ?? '').replace('00:00:00', '02:0a:0b');
    await fixture.cluster.allocate(next, { ...nic, mac });
    return await createSandbox(next);
  }

  test('is reached at once by pods that knew it at the old one', async () => {
    const [knower, first] = [await podWith('dual stack'), await podWith('dual stack')];
    await mustAdd(knower.sandbox, 'net1', ovnConfig());
    await mustAdd(first.sandbox, 'net1', ovnConfig());
    const addresses = first.nic.ip.split(',');
    for (const address of addresses) {
      expect(await canPing(knower.sandbox, address, 'net1')).toBe(true);
    }
    const second = await comeBack(first.pod, first.nic, first.sandbox);
    await mustAdd(second, 'net1', ovnConfig());
    const times = await Promise.all(addresses.map((one) => answerMs(knower.sandbox, one)));
    console.log(`reached after ${times.map(Math.round).join(' and ')} ms`);
    for (const time of times) expect(time).toBeLessThan(AT_ONCE_MS);
    const neighbours = await inSandbox(knower.sandbox, 'ip', 'neighbour', 'show', 'dev', 'net1');
    expect(neighbours).not.toContain(first.nic.mac);
  });

  test('is reached at once through the router by pods of another Subnet', async () => {
    const { sandbox, nic } = await fixture.pod({
      nic: (plain) => {
        const ip = `${plain.ip.replace('172.17', '10.16')},fd00:10:16::5:${plain.ip.split('.')[3]}`;
        return { ...plain, provider: 'ovn', subnet: PRIMARY, ip };
      },
    });
    await mustAdd(sandbox, 'eth0', { ...ovnConfig(), provider: 'ovn' });
    expect(nic.subnet).toBe(PRIMARY);
    const first = await podWith('IPv4');
    const defaults = { [`${ATTACHNET}.kubernetes.io/default_route`]: 'true' };
    fixture.cluster.annotate(first.pod, defaults);
    await mustAdd(first.sandbox, 'net1', ovnConfig());
    expect(await canPing(sandbox, first.nic.ip)).toBe(true);
    const second = await comeBack(first.pod, first.nic, first.sandbox);
    fixture.cluster.annotate(second.pod, defaults);
    await mustAdd(second, 'net1', ovnConfig());
    expect(await canPing(sandbox, first.nic.ip)).toBe(true);
  });

  test('is not announced for a virtual machine that is still elsewhere', async () => {
    const neighbour = await podWith('IPv4');
    await mustAdd(neighbour.sandbox, 'net1', ovnConfig());
    const target = await fixture.pod({
      annotations: { 'kubevirt.io/migrationJobName': 'job' },
      nic: (nic) => ({ ...nic, more: { virtualmachine: 'moving' } }),
    });
    const next = await podWith('IPv4');
    const from = [target, next].map(({ nic }) => `ether src ${nic.mac}`).join(' or ');
    const host = hostName(neighbour.sandbox, 'net1');
    const heard = await Tcpdump.start(host, 1, `ether broadcast and arp and (${from})`);
    await mustAdd(target.sandbox, 'net1', ovnConfig());
    await mustAdd(next.sandbox, 'net1', ovnConfig());
    expect(await heard.packets()).toEqual([expect.stringContaining(next.nic.ip)]);
  });
});
