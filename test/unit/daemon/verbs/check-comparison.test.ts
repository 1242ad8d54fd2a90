import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareLimits } from '../../../../src/daemon/limits/comparison.ts';
import { parseRoutes } from '../../../../src/daemon/model/route.ts';
import { compareInterface } from '../../../../src/daemon/netns/comparison.ts';
import { compareAllocation } from '../../../../src/daemon/nic/allocation-comparison.ts';
import { comparePort } from '../../../../src/daemon/ovs/port-comparison.ts';
import type { Qos } from '../../../../src/daemon/ovs/traffic-control.ts';
import {
  attachment,
  differencesOf,
  podOf,
  SEED,
  type Situation,
  saidOf,
  seeds,
  situationOf,
  withControl,
  withId,
  withLink,
  withPort,
} from './check-support.ts';

type Change = (situation: Situation) => Situation;

/** Every single thing that can differ, with the code that it has. */
const CHANGES: readonly (readonly [what: string, code: number, change: Change])[] = [
  ['another annotated MAC', 110, (s) => ({ ...s, nic: { ...s.nic, mac: '02:00:00:00:00:01' } })],
  ['no port', 111, (s) => ({ ...s, inspection: { ...s.inspection, own: undefined } })],
  ['a port elsewhere', 111, (s) => withPort(s, { isOnBridge: false })],
  ['no ofport', 111, (s) => withPort(s, { ofport: null })],
  ['an ofport of -1', 111, (s) => withPort(s, { ofport: -1 })],
  ['an error', 111, (s) => withPort(s, { error: 'no such device' })],
  ['no iface-id', 111, (s) => withId(s, 'iface-id', undefined)],
  ['another iface-id', 111, (s) => withId(s, 'iface-id', 'x.shop')],
  ['no UID', 111, (s) => withId(s, 'iface-id-ver', undefined)],
  ['another UID', 111, (s) => withId(s, 'iface-id-ver', 'uid-2')],
  ['no flows', 111, (s) => withId(s, 'ovn-installed', undefined)],
  ['flows that are not installed', 111, (s) => withId(s, 'ovn-installed', 'false')],
  [
    'a second holder of the iface-id',
    111,
    (s) => {
      const other = { name: 'thief', externalIds: { 'iface-id': String(s.port.ifaceId) } };
      return { ...s, inspection: { ...s.inspection, others: [...s.inspection.others, other] } };
    },
  ],
  ['no namespace', 112, (s) => ({ ...s, network: undefined as never })],
  ['no link', 112, (s) => ({ ...s, network: { ...s.network, links: [] } })],
  ['a link that is down', 112, (s) => withLink(s, { state: 'down' })],
  ['a link without carrier', 112, (s) => withLink(s, { state: 'up without carrier' })],
  ['another MAC', 112, (s) => withLink(s, { mac: '02:00:00:00:00:01' })],
  ['another MTU', 112, (s) => withLink(s, { mtu: s.link.mtu + 1 })],
  [
    'no interface in the result',
    112,
    (s) => ({ ...s, earlier: { ...s.earlier, interface: undefined } }),
  ],
  [
    'another rate from the pod',
    113,
    (s) => withControl(s, { policing: { rateKbps: 10_000_001, burstKbit: 0 } }),
  ],
  ['another rate or netem to the pod', 113, (s) => withControl(s, { qos: otherQos(s) })],
  [
    'mirroring the other way',
    113,
    (s) => withControl(s, { isMirrored: !s.own.control?.isMirrored }),
  ],
];

/** One that differs in one value. */
function otherQos({ own: { control } }: Situation): Qos {
  return control?.qos?.type === 'linux-netem'
    ? { type: 'linux-netem', config: { latency: '1' } }
    : { type: 'linux-htb', config: { ...control?.qos?.config, 'max-rate': '1' } };
}

describe('a NIC that is what it should be', () => {
  it('has no difference, whatever it is made of', async () => {
    await fc.assert(
      fc.property(seeds, (seed) => {
        expect(saidOf(situationOf(seed))).toEqual([]);
      }),
    );
  });

  it.each(CHANGES)('has one with %s', async (_, code, change) => {
    await fc.assert(
      fc.property(seeds, (seed) => {
        const differences = differencesOf(change(situationOf(seed)));
        expect(differences.map((each) => each.code)).toEqual([code]);
        for (const { expected, found } of differences) expect(found).not.toBe(expected);
      }),
    );
  });

  it('has as many as there are changes that do not hide each other', async () => {
    const hiding = /^(no (port|namespace|link|interface|iface-id)|another iface-id)/;
    const visible = CHANGES.filter(([what]) => !hiding.test(what));
    await fc.assert(
      fc.property(seeds, fc.subarray([...visible]), (seed, changes) => {
        const changed = changes.reduce((s, [, , change]) => change(s), situationOf(seed));
        const codes = new Set(differencesOf(changed).map(({ code }) => code));
        expect(codes).toEqual(new Set(changes.map(([, code]) => code)));
      }),
    );
  });
});

describe('an address', () => {
  const healthy = situationOf();

  it('that the interface does not have is named beside those of its family', () => {
    const changed = withLink(healthy, { addresses: ['10.16.0.15/24', 'fe80::1/64'] });
    expect(saidOf(changed)).toEqual([
      '112 address of net1: 10.16.0.15/16 | 10.16.0.15/24',
      '112 address of net1: fd00:10:16::f/64 | fe80::1/64',
    ]);
  });

  it('that another machine has is none', () => {
    const addresses = ['10.16.0.15/16', 'fd00:10:16::f/64 dadfailed'];
    expect(saidOf(withLink(healthy, { addresses }))).toEqual([
      '112 address of net1: fd00:10:16::f/64 | fd00:10:16::f/64 dadfailed',
    ]);
  });

  it('that is annotated now must be all that the answer has', () => {
    const [v4, v6] = healthy.nic.addresses;
    if (v4 === undefined || v6 === undefined) throw new Error('two addresses');
    const said = (addresses: typeof healthy.nic.addresses) =>
      saidOf({ ...healthy, nic: { ...healthy.nic, addresses } });
    expect(said([v6, v4])).toEqual([]);
    expect(said([v4])).toEqual(['110 annotated address: 10.16.0.15, fd00:10:16::f | 10.16.0.15']);
    expect(said([])).toEqual(['110 annotated address: 10.16.0.15, fd00:10:16::f | none']);
  });

  it('of a delegate may be one of several, and its MAC is not ours', () => {
    const { earlier, nic } = healthy;
    const delegate = { ...attachment, ipamOnly: true };
    const one = { ...nic, addresses: nic.addresses.slice(1), mac: '02:00:00:00:00:01' };
    expect(compareAllocation(delegate, earlier, one)).toEqual([]);
    expect(compareAllocation(delegate, { ...earlier, interface: undefined }, one)).toEqual([]);
    const none = { ...earlier, addresses: [] };
    expect(compareAllocation(delegate, none, one)).toMatchObject([
      { expected: 'none', found: 'fd00:10:16::f' },
    ]);
  });
});

describe('a route', () => {
  const healthy = situationOf();
  const among = (routes: { dst: string; gw?: string }[]) =>
    saidOf({ ...healthy, network: { ...healthy.network, routes: parseRoutes(routes, 'routes') } });

  it('is found by destination and gateway', () => {
    const v6 = { dst: 'fd00:99::/48', gw: 'fd00:10:16::1' };
    expect(among([{ dst: '0.0.0.0/0', gw: '10.16.0.1' }, v6])).toEqual([]);
    expect(among([{ dst: '0.0.0.0/0', gw: '10.16.0.2' }, { dst: '0.0.0.0/0' }, v6])).toEqual([
      '112 route to 0.0.0.0/0: via 10.16.0.1 | via 10.16.0.2, on the link',
    ]);
    expect(among([{ dst: '0.0.0.0/1', gw: '10.16.0.1' }, v6])).toEqual([
      '112 route to 0.0.0.0/0: via 10.16.0.1 | none',
    ]);
  });

  it('without a gateway is found by its destination alone', () => {
    const routes = parseRoutes([{ dst: '10.1.0.0/16' }], 'routes');
    const compare = (found: readonly (typeof routes)[number][]) =>
      compareInterface(
        attachment,
        { ...healthy.earlier, routes },
        { ...healthy.network, routes: found },
        undefined,
      );
    expect(compare(parseRoutes([{ dst: '10.1.0.0/16', gw: '10.16.0.9' }], 'routes'))).toEqual([]);
    expect(compare([])).toMatchObject([{ expected: 'one', found: 'none' }]);
  });

  it('is shown with a few others at most', () => {
    const gateways = Array.from({ length: 9 }, (_, i) => ({ dst: '::/0', gw: `fd00::${i + 1}` }));
    const routes = parseRoutes([{ gw: 'fd00::99' }], 'routes');
    const [difference] = compareInterface(
      attachment,
      { ...healthy.earlier, routes },
      { ...healthy.network, routes: parseRoutes(gateways, 'routes') },
      undefined,
    );
    expect(difference?.found).toBe('via fd00::1, via fd00::2, via fd00::3, via fd00::4, …');
  });
});

describe('the MTU', () => {
  it('is that of the answer, on both ends', () => {
    const healthy = situationOf();
    expect(saidOf(withPort(healthy, { mtu: 1300 }))).toEqual([
      '111 MTU of c0ffee01_net1_h: 1400 | 1300',
    ]);
    expect(saidOf(withPort(healthy, { mtu: null }))).toEqual([]);
  });

  it('is that of the other end where the answer does not say it', () => {
    const healthy = situationOf({ ...SEED, isMtuSaid: false });
    expect(saidOf(withLink(healthy, { mtu: 1300 }))).toEqual(['112 MTU of net1: 1400 | 1300']);
    expect(saidOf(withPort(healthy, { mtu: null }))).toEqual([]);
  });
});

describe('an interface that is not there', () => {
  const healthy = situationOf();

  it('may have another name', () => {
    expect(saidOf(withLink(healthy, { name: 'net9' }))).toEqual([
      '112 interface in the pod: net1 | net9 with its MAC address',
    ]);
  });

  it('is not looked for by a MAC that nobody said', () => {
    const earlier = { ...healthy.earlier, interface: { mac: undefined, mtu: 1400 } };
    expect(saidOf({ ...withLink(healthy, { name: 'net9', mac: '' }), earlier })).toEqual([
      '112 interface in the pod: net1 | none',
    ]);
  });
});

describe('a port', () => {
  const healthy = situationOf();

  it("of Kube-OVN's daemon has no UID", () => {
    const go = ['container_id', 'if_name', 'iface-id-ver'];
    const situation = go.reduce((s, key) => withId(s, key, undefined), healthy);
    expect(saidOf(situation)).toEqual([]);
  });

  it('of which little is known must at least be some logical switch port, and alone', () => {
    const unknown = { ...healthy.port, ifaceId: undefined, podUid: undefined, mtu: undefined };
    expect(comparePort(unknown, healthy.inspection)).toEqual([]);
    const { inspection } = withId(healthy, 'iface-id', 'other.shop');
    expect(comparePort(unknown, inspection)).toMatchObject([
      { what: 'iface-id "other.shop"', expected: 'only on c0ffee01_net1_h', found: 'on other_h' },
    ]);
    const bare = withId(healthy, 'iface-id', undefined).inspection;
    expect(comparePort(unknown, bare)).toMatchObject([
      { expected: 'a logical switch port', found: 'none' },
    ]);
  });
});

describe('limits', () => {
  const unlimited = situationOf({ ...SEED, ingressMbps: 0, egressMbps: 0 });
  const netem = situationOf({ ...SEED, ingressMbps: 0, latencyMs: 10 });
  const limited = situationOf();

  it("of an older Kube-OVN's queue have no burst", () => {
    const older = withControl(limited, {
      qos: { type: 'linux-htb', config: { 'max-rate': '10000000' } },
    });
    expect(saidOf(older)).toEqual([
      '113 ingress_rate on c0ffee01_net1_h: 10 Mbit/s, burst 1 Mbit | 10 Mbit/s, burst 0 bit',
    ]);
  });

  it('that are not annotated must not be there', () => {
    const policing = { rateKbps: 0, burstKbit: 5 };
    expect(saidOf(withControl(unlimited, { policing }))).toEqual([]);
    expect(saidOf(withControl(unlimited, { ...limited.own.control, isMirrored: true }))).toEqual([
      '113 ingress_rate on c0ffee01_net1_h: no limit | 10 Mbit/s, burst 1 Mbit',
      '113 egress_rate on c0ffee01_net1_h: no limit | 20 Mbit/s, burst 16 Mbit',
      '113 mirror on c0ffee01_net1_h: off | on',
    ]);
  });

  it('of both kinds to the pod are two differences', () => {
    expect(saidOf(withControl(limited, { qos: netem.own.control?.qos }))).toEqual([
      '113 ingress_rate on c0ffee01_net1_h: 10 Mbit/s, burst 1 Mbit | no limit',
      '113 netem on c0ffee01_net1_h: none | latency 10 ms',
    ]);
  });

  it('that are annotated wrongly are as they were, whatever that is', () => {
    const pod = podOf({ ingress_rate: 'x', egress_rate: '-1' });
    for (const situation of [limited, unlimited]) {
      expect(saidOf({ ...situation, pod })).toEqual([]);
    }
  });

  it("may be the runtime's, which the row keeps", () => {
    const kept = withId(limited, 'bandwidth', 'ingress=10000000,egress=20000000');
    expect(saidOf({ ...kept, pod: podOf({}) })).toEqual([]);
    expect(saidOf({ ...limited, pod: podOf({}) })).toHaveLength(2);
  });

  it('do not include the choice of ports where every packet is mirrored', () => {
    const { pod, own } = situationOf({ ...SEED, isMirrored: true });
    const control = own.control && { ...own.control, isMirrored: false };
    expect(compareLimits(pod, { ...own, control }, true)).toEqual([]);
    expect(compareLimits(pod, { ...own, control }, false)).toMatchObject([
      { what: 'mirror on c0ffee01_net1_h', expected: 'on', found: 'off' },
    ]);
  });

  it('are of a port: without one there are none', () => {
    expect(compareLimits(limited.pod, { ...limited.own, control: undefined }, false)).toEqual([]);
  });
});
