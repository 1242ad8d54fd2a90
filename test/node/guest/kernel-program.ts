/** Runs in a guest: what its kernel does to links, addresses and routes, for kernel.test.ts. */

import { whyNoNetem } from '../../lab/kernel.ts';
import { Fixture } from '../fixture.ts';
import { answers, makeCard, makeFarEnd } from './far-end.ts';
import { batch, ip, jsonOf } from './ip.ts';
import { type PodFacts, podFacts } from './pods.ts';

/** Destinations of the routes that have a gateway. */
interface Routes {
  readonly v4: readonly string[];
  readonly v6: readonly string[];
}

interface Bond {
  readonly mode: string;
  readonly mac: string;
  readonly ownMacs: readonly string[];
  readonly macs: readonly string[];
}

export interface KernelFacts {
  readonly whyNoNetem: string | undefined;
  readonly pods: PodFacts;
  readonly routes: { readonly before: Routes; readonly after: Routes };
  readonly bonds: readonly Bond[];
  /** Of links in a bridge of OVS, and of its own. */
  readonly links: Readonly<Record<string, { kind?: string; master?: string }>>;
  /** What became of frames of VLAN 10 that arrived at a card in a bridge of OVS. */
  readonly vlanDevice: {
    /** Frames that the card's VLAN device received. */
    readonly received: number;
    /** Whether a port of the bridge had them while that device was up, down and gone. */
    readonly answered: { readonly up: boolean; readonly down: boolean; readonly gone: boolean };
  };
}

export default async function kernelFacts(): Promise<KernelFacts> {
  // It has file systems of its own from here on, and /run/netns among them.
  const fixture = await Fixture.start(['--non-primary-cni-mode']);
  const { node } = fixture;
  const pods = await podFacts(fixture);
  const netem = await whyNoNetem();
  const bonds = [await bondOf('active-backup'), await bondOf('balance-alb')];
  await makeCardWithVlan();
  const routes = await routesWithoutAddresses();
  await node.vsctl(
    ...['add-br', 'br-net1', '--', 'add-port', 'br-net1', 'eth0', 'trunks=0,10'],
    ...['--', 'add-port', 'br-net1', 'vlan10', 'tag=10'],
    ...['--', 'set', 'Interface', 'vlan10', 'type=internal'],
  );
  await node.switchDone();
  for (const link of ['br-net1', 'vlan10']) await ip(`link set ${link} up`);
  await ip('address add 172.30.10.2/24 dev vlan10');
  const links = await linksOf(['eth0', 'br-net1', 'vlan10', 'eth0.10']);
  const vlanDevice = await arrivals();
  return { whyNoNetem: netem, pods, routes, bonds, links, vlanDevice };
}

/** eth0 with a VLAN device, and at the other end of its wire a machine in VLAN 10: 172.30.10.1. */
async function makeCardWithVlan(): Promise<void> {
  await makeFarEnd();
  await makeCard('eth0', { 10: ['172.30.10.1/24'] });
  await ip('link add link eth0 name eth0.10 up type vlan id 10');
}

async function routesWithoutAddresses(): Promise<KernelFacts['routes']> {
  await batch([
    'address add 172.30.10.2/24 dev eth0.10',
    'address add fd00:10::2/64 dev eth0.10 nodad',
    'route add 10.99.0.0/16 via 172.30.10.1',
    'route add fd99::/64 via fd00:10::1',
  ]);
  const before = await gatewayRoutes();
  await ip('address delete 172.30.10.2/24 dev eth0.10');
  await ip('address delete fd00:10::2/64 dev eth0.10');
  return { before, after: await gatewayRoutes() };
}

async function gatewayRoutes(): Promise<Routes> {
  const of = async (family: 4 | 6) => {
    const routes = await jsonOf<{ dst: string; gateway?: string }>(`-${family} route show`);
    return routes.filter(({ gateway }) => gateway !== undefined).map(({ dst }) => dst);
  };
  return { v4: await of(4), v6: await of(6) };
}

/** A bond of two links, with their MACs before and after that. */
async function bondOf(mode: string): Promise<Bond> {
  await ip('netns add members');
  const names = ['member1', 'member2'];
  for (const name of names) await ip(`link add ${name} type veth peer name ${name} netns members`);
  const ownMacs = await Promise.all(names.map(macOf));
  await ip(`link add bond1 type bond mode ${mode} miimon 100`);
  for (const name of names) {
    await ip(`link set ${name} master bond1`);
    await ip(`-n members link set ${name} up`);
  }
  await ip('link set bond1 up');
  const [bond] = await jsonOf<{ address: string; linkinfo: { info_data: { mode: string } } }>(
    '-d link show bond1',
  );
  if (bond === undefined) throw new Error('ip(8) shows no bond1');
  const macs = await Promise.all(names.map(macOf));
  await ip('link delete bond1');
  await ip('netns delete members');
  return { mode: bond.linkinfo.info_data.mode, mac: bond.address, ownMacs, macs };
}

async function macOf(name: string): Promise<string> {
  const [link] = await jsonOf<{ address: string }>(`link show ${name}`);
  return link?.address ?? '';
}

async function linksOf(names: readonly string[]): Promise<KernelFacts['links']> {
  type Link = { ifname: string; master?: string; linkinfo?: { info_kind?: string } };
  const links = await jsonOf<Link>('-d link');
  return Object.fromEntries(
    links
      .filter(({ ifname }) => names.includes(ifname))
      .map(({ ifname, master, linkinfo }) => {
        const kind = linkinfo?.info_kind;
        return [ifname, { ...(kind && { kind }), ...(master && { master }) }];
      }),
  );
}

async function arrivals(): Promise<KernelFacts['vlanDevice']> {
  const before = await receivedFrames();
  const up = await isAnswered();
  const received = (await receivedFrames()) - before;
  await ip('link set eth0.10 down');
  const down = await isAnswered();
  await ip('link delete eth0.10');
  return { received, answered: { up, down, gone: await isAnswered() } };
}

async function receivedFrames(): Promise<number> {
  const [link] = await jsonOf<{ stats64: { rx: { packets: number } } }>('-s link show eth0.10');
  return link?.stats64.rx.packets ?? 0;
}

function isAnswered(): Promise<boolean> {
  return answers('172.30.10.1');
}
