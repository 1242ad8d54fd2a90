/** NICs on a provider network: their neighbours are machines that OVN does not know. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { NicPlan, SubnetPlan } from '../lab/cluster.ts';
import { command } from '../lab/command.ts';
import { routerAdvertisement, sendFrame } from '../lab/raw-frame.ts';
import { inSandbox, type Sandbox } from '../lab/runtime.ts';
import { podAddresses, podLink } from '../lab/snapshot.ts';
import { Fixture, ovnConfig } from './fixture.ts';
import {
  type Census,
  canPing,
  census,
  expectNode,
  failedAdd,
  flowsInstalled,
  hostName,
  mustAdd,
  mustDelete,
  rowsOf,
  startAdd,
} from './observe.ts';
import { connectCard } from './underlay-fixture.ts';

const BRIDGE = 'br-physnet';
/** Hosts of each network whose addresses the machine outside has. */
const TAKEN = ['66', '67', '68', '69'];

let fixture: Fixture;
let plain: SubnetPlan;
let tagged: SubnetPlan;
beforeAll(async () => {
  fixture = await Fixture.start(['--add-timeout-seconds=1']);
  const bridge = ['set', 'Bridge', BRIDGE, 'datapath_type=netdev'];
  await fixture.node.vsctl('add-br', BRIDGE, '--', ...bridge);
  plain = await createUnderlay('plain', 90, 0);
  tagged = await createUnderlay('tagged', 91, 100);
});
afterAll(() => fixture[Symbol.asyncDispose]());

/** A Subnet on the provider network whose gateway, and another machine, are outside of OVN. */
async function createUnderlay(name: string, octet: number, vlan: number): Promise<SubnetPlan> {
  const plan = {
    name,
    provider: `${name}.default.ovn`,
    cidrBlock: `10.${octet}.0.0/16,fd00:10:${octet}::/64`,
    gateway: `10.${octet}.0.1,fd00:10:${octet}::1`,
  };
  fixture.api.create({
    kind: 'Subnet',
    metadata: { name },
    spec: { ...plan, vlan: `vlan${vlan}` },
  });
  const localnet = `localnet.${name}`;
  await fixture.node.nbctl(
    ...['ls-add', name, '--', 'lsp-add', name, localnet],
    ...['--', 'lsp-set-type', localnet, 'localnet'],
    ...['--', 'lsp-set-addresses', localnet, 'unknown'],
    ...['--', 'lsp-set-options', localnet, 'network_name=physnet'],
    ...(vlan === 0 ? [] : ['--', 'set', 'Logical_Switch_Port', localnet, `tag=${vlan}`]),
  );
  const port = `wire-${name}`;
  const pair = ['type', 'veth', 'peer', 'name', 'wire', 'netns', `outside-${name}`];
  await command('ip', ['netns', 'add', `outside-${name}`]);
  await command('ip', ['link', 'add', port, 'up', ...pair]);
  // An access port: the machine outside sees no tags.
  const tag = vlan === 0 ? [] : [`tag=${vlan}`];
  await fixture.node.vsctl('add-port', BRIDGE, port, ...tag);
  const outside = (...args: string[]) => command('ip', ['-n', `outside-${name}`, ...args]);
  await outside('link', 'set', 'wire', 'up');
  for (const host of ['1', ...TAKEN]) {
    await outside('address', 'add', `10.${octet}.0.${host}/16`, 'dev', 'wire');
    await outside('address', 'add', `fd00:10:${octet}::${host}/64`, 'dev', 'wire', 'nodad');
  }
  return plan;
}

/** KubeVirt's mark of the pod that a virtual machine migrates to. */
const MIGRATION = { 'kubevirt.io/migrationJobName': 'job' };

function podOn(
  subnet: SubnetPlan,
  ip: string,
  annotations: Record<string, string> = {},
  providerNetwork = 'physnet',
  others: NonNullable<NicPlan['more']> = {},
) {
  const more = { provider_network: providerNetwork, ...others };
  const nic = (made: NicPlan) => ({ ...made, provider: subnet.provider, subnet, ip, more });
  return fixture.pod({ nic, annotations });
}

function configOf({ provider }: SubnetPlan) {
  return ovnConfig({ provider, cniVersion: '1.1.0' });
}

async function patchPorts(): Promise<string[]> {
  const rows = await rowsOf(fixture.node, 'Interface');
  return rows.filter(({ type }) => type === 'patch').map(({ name }) => name);
}

describe('as long as the provider network has no bridge here', () => {
  test('the deadline names the patch port, and nothing is left', async () => {
    const { sandbox } = await podOn(plain, '10.90.1.1');
    const before = await census(fixture.node);
    const result = await failedAdd(sandbox, 'net1', configOf(plain));
    expect(result).toMatchObject({ code: 11 });
    expect(result.msg).toContain('waited 1 s for the patch port patch-localnet.plain-to-br-int');
    expect(result.details).toContain('ovn-bridge-mappings');
    expect(await census(fixture.node)).toEqual(before);
  });

  test('an ADD waits for its patch port', async () => {
    await fixture.restartDaemon(['--add-timeout-seconds=20']);
    const { sandbox } = await podOn(plain, '10.90.1.2');
    const add = await startAdd(sandbox, 'net1', configOf(plain));
    await flowsInstalled(hostName(sandbox, 'net1'));
    expect(await patchPorts()).toEqual([]);
    await fixture.node.vsctl(
      'set',
      'open',
      '.',
      `external-ids:ovn-bridge-mappings=physnet:${BRIDGE}`,
    );
    const { exitCode, stdout } = await add.outcome;
    expect(exitCode, stdout).toBe(0);
    expect(await patchPorts()).toContain('patch-localnet.plain-to-br-int');
    expect(await canPing(sandbox, '10.90.0.1')).toBe(true);
  });
});

describe('on a connected provider network', () => {
  test('a free IPv4 address is taken, and the machines outside answer', async () => {
    const { sandbox } = await podOn(plain, '10.90.1.3');
    await mustAdd(sandbox, 'net1', configOf(plain));
    expect(await podAddresses(sandbox, 'net1')).toEqual(['10.90.1.3/16']);
    expect(await canPing(sandbox, '10.90.0.66')).toBe(true);
    await mustDelete(sandbox, 'net1', configOf(plain));
    expect(await podLink(sandbox, 'net1')).toBeUndefined();
  });

  test('a free IPv6 address is settled when ADD returns', async () => {
    const { sandbox } = await podOn(plain, 'fd00:10:90::1:4');
    await mustAdd(sandbox, 'net1', configOf(plain));
    const [link, isAnswered] = await Promise.all([
      podLink(sandbox, 'net1'),
      canPing(sandbox, 'fd00:10:90::66'),
    ]);
    expect(isAnswered).toBe(true);
    const global = link?.addr_info.filter(({ scope }) => scope === 'global');
    expect(global).toHaveLength(1);
    expect(global?.[0]).toMatchObject({ local: 'fd00:10:90::1:4', prefixlen: 64 });
    expect(global?.[0]).not.toHaveProperty('tentative');
  });

  test('a VLAN works, dual stack', async () => {
    const { sandbox } = await podOn(tagged, '10.91.1.5,fd00:10:91::1:5');
    await mustAdd(sandbox, 'net1', configOf(tagged));
    expect(await canPing(sandbox, '10.91.0.66')).toBe(true);
    expect(await canPing(sandbox, 'fd00:10:91::66')).toBe(true);
  });

  describe('an address that another machine has', () => {
    let before: Census;
    beforeEach(async () => {
      before = await census(fixture.node);
    });

    /** The ADD names the address; nothing is left but the sandbox and the network's patch ports. */
    async function expectTaken(sandbox: Sandbox, config: object, address: string) {
      // The kernel gives each probe one second, which a busy machine may need for its answer.
      await inSandbox(sandbox, 'sysctl', '-q', '-w', 'net.ipv6.conf.default.dad_transmits=2');
      const result = await failedAdd(sandbox, 'net1', { ...configOf(plain), ...config });
      expect(result).toMatchObject({ code: 7 });
      expect(result.msg).toContain(`IP address ${address} has already been used`);
      expect(result.details).toContain('excludeIps');
      await expectNode(fixture.node, before);
      expect(await podLink(sandbox, 'net1')).toBeUndefined();
    }

    test.each(['10.90.0.66', 'fd00:10:90::66'])('is refused: %s', async (ip) => {
      const { sandbox } = await podOn(plain, ip);
      await expectTaken(sandbox, {}, ip);
    });

    test('is refused on a VLAN, too', async () => {
      const { sandbox } = await podOn(tagged, '10.91.0.66');
      await expectTaken(sandbox, configOf(tagged), '10.91.0.66');
    });

    test('is refused where only one of two is taken', async () => {
      const { sandbox } = await podOn(plain, '10.90.1.6,fd00:10:90::67');
      await expectTaken(sandbox, {}, 'fd00:10:90::67');
    });

    test('is refused to a pod that only says it is a virtual machine that migrates here', async () => {
      const { sandbox, pod, nic } = await podOn(plain, '10.90.0.68', MIGRATION);
      await expectTaken(sandbox, {}, '10.90.0.68');
      await fixture.cluster.deletePod(pod, [nic]);
    });

    test('is taken over by a virtual machine that migrates here', async () => {
      const { sandbox } = await podOn(plain, '10.90.0.68,fd00:10:90::68', MIGRATION, 'physnet', {
        virtualmachine: 'moving',
      });
      await mustAdd(sandbox, 'net1', configOf(plain));
      expect(await podAddresses(sandbox, 'net1')).toEqual(['10.90.0.68/16', 'fd00:10:90::68/64']);
      await mustDelete(sandbox, 'net1', configOf(plain));
    });
  });

  test('an address that comes back with another MAC is reached at once from outside', async () => {
    const ip = '10.90.3.1,fd00:10:90::3:1';
    const outside = (...words: string[]) =>
      command('ip', ['netns', 'exec', 'outside-plain', ...words]);
    const reach = () =>
      Promise.all(
        ip
          .split(',')
          .map((address) => outside('ping', '-n', '-c', '1', '-i', '0.02', '-w', '30', address)),
      );
    const first = await podOn(plain, ip);
    await mustAdd(first.sandbox, 'net1', configOf(plain));
    await reach();
    await mustDelete(first.sandbox, 'net1', configOf(plain));
    await fixture.cluster.deletePod(first.pod, [first.nic]);
    const second = await podOn(plain, ip);
    await mustAdd(second.sandbox, 'net1', configOf(plain));
    const startedMs = performance.now();
    await reach();
    const tookMs = performance.now() - startedMs;
    console.log(`reached after ${Math.round(tookMs)} ms`);
    // A machine that is not told takes 20 s and more.
    expect(tookMs).toBeLessThan(3000);
    for (const address of ip.split(',')) {
      const neighbour = await outside('ip', 'neighbour', 'show', 'to', address);
      expect(neighbour).toContain(`lladdr ${second.nic.mac}`);
    }
    await mustDelete(second.sandbox, 'net1', configOf(plain));
  });

  test("a NIC takes the router's advertisements where its network says so, and no other does", async () => {
    const advertised = async (config: object, ip: string) => {
      const { sandbox } = await podOn(plain, ip);
      await mustAdd(sandbox, 'net1', { ...configOf(plain), ...config });
      return sandbox;
    };
    const other = await advertised({}, '10.90.3.2,fd00:10:90::3:2');
    const asking = await advertised({ accept_ra: true }, '10.90.3.3');
    const router = { ...asking, netns: '/run/netns/outside-plain' };
    const wire = await podLink(router, 'wire');
    await sendFrame(router, 'wire', routerAdvertisement(wire?.address ?? ''));
    const learnt = async (sandbox: Sandbox) =>
      (await podAddresses(sandbox, 'net1')).filter((text) => text.startsWith('2001:db8:bad:'));
    await expect.poll(() => learnt(asking), { timeout: 60_000 }).toHaveLength(1);
    expect(await learnt(other)).toEqual([]);
    for (const sandbox of [other, asking]) await mustDelete(sandbox, 'net1', configOf(plain));
  });

  test('a gateway that is nowhere fails the ADD', async () => {
    const { sandbox, pod } = await podOn(plain, '10.90.1.7');
    const gateway = { 'plain.default.ovn.kubernetes.io/gateway': '10.90.255.254' };
    fixture.cluster.annotate(pod, gateway);
    await fixture.restartDaemon(['--add-timeout-seconds=4']);
    const result = await failedAdd(sandbox, 'net1', configOf(plain));
    expect(result).toMatchObject({ code: 11 });
    expect(result.msg).toContain('gateway 10.90.255.254 to answer');
  });

  test('--enable-arp-detect-ip-conflict=false asks nobody for IPv4 addresses', async () => {
    const off = '--enable-arp-detect-ip-conflict=false';
    await fixture.restartDaemon(['--add-timeout-seconds=20', off]);
    const { pod, sandbox } = await podOn(plain, '10.90.0.69');
    // The machine outside is the gateway, too, and does not answer to its own address.
    fixture.cluster.annotate(pod, { 'plain.default.ovn.kubernetes.io/gateway': null });
    await mustAdd(sandbox, 'net1', configOf(plain));
    await mustDelete(sandbox, 'net1', configOf(plain));
  });
});

describe("an underlay NIC's MTU", () => {
  beforeAll(async () => {
    // The daemon takes the bridge over, which OVN's mapping leads to, and adds a card.
    const card = ['card', 'mtu', '1450', 'type', 'veth', 'peer', 'name', 'card-end', 'mtu', '1450'];
    await command('ip', ['link', 'add', ...card]);
    await connectCard(fixture, 'card');
  });

  async function mtuOf(ip: string, providerNetwork = 'physnet'): Promise<number | undefined> {
    const { sandbox } = await podOn(plain, ip, {}, providerNetwork);
    const result = await mustAdd(sandbox, 'net1', configOf(plain));
    const link = await podLink(sandbox, 'net1');
    expect(result.interfaces?.[0]?.mtu).toBe(link?.mtu);
    return link?.mtu;
  }

  test("is the one of the node's label for its provider network", async () => {
    expect(await mtuOf('10.90.2.1')).toBe(1450);
  });

  test("is the tunnels' where the node has no label for the provider network", async () => {
    expect(await mtuOf('10.90.2.2', 'other')).toBe(1400);
  });

  test('is right where the daemon gets its Node object late', async () => {
    fixture.api.faults.failNext(2, 503, { verb: 'list', path: '/api/v1/nodes' });
    await fixture.restartDaemon(['--add-timeout-seconds=20']);
    expect(await mtuOf('10.90.2.3')).toBe(1450);
  });

  test("is the Subnet's where it has one", async () => {
    fixture.api.patch('Subnet', 'plain', { spec: { mtu: 1350 } });
    expect(await mtuOf('10.90.2.4')).toBe(1350);
  });
});
