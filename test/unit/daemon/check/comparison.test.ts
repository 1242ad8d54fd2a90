import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareAllocation } from '../../../../src/daemon/check/allocation.ts';
import { compareInterface } from '../../../../src/daemon/check/interface-comparison.ts';
import { comparePort } from '../../../../src/daemon/check/port-comparison.ts';
import { parseRoutes } from '../../../../src/daemon/net/route.ts';
import {
  attachment,
  differencesOf,
  SEED,
  type Situation,
  saidOf,
  seeds,
  situationOf,
  withId,
  withLink,
  withPort,
} from './support.ts';

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
    (s) => withPort(s, { policing: { rateKbps: s.own.policing.rateKbps + 1, burstKbit: 0 } }),
  ],
  [
    'another rate to the pod',
    113,
    (s) => withPort(s, { shaping: { maxRate: '1', burst: s.own.shaping?.burst } }),
  ],
];

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
    const visible = CHANGES.filter(([what]) => !/^no (port|namespace|link|interface)/.test(what));
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

  it("of an older Kube-OVN's queue have no burst", () => {
    const shaping = { maxRate: '10000000', burst: undefined };
    expect(saidOf(withPort(situationOf(), { shaping }))).toEqual([]);
    const annotated = situationOf({ ...SEED, ingressBurstMbit: 4 });
    expect(saidOf(withPort(annotated, { shaping }))).toEqual([
      '113 ingress_rate on c0ffee01_net1_h: 10000000 bit/s with a burst of 500000 bytes | 10000000 bit/s with no burst',
    ]);
  });

  it('that are not annotated must not be there', () => {
    expect(saidOf(withPort(unlimited, { policing: { rateKbps: 0, burstKbit: 5 } }))).toEqual([]);
    const { policing, shaping } = situationOf().own;
    expect(saidOf(withPort(unlimited, { policing, shaping }))).toEqual([
      '113 ingress_rate on c0ffee01_net1_h: no limit | 10000000 bit/s with a burst of 1000000 bytes',
      '113 egress_rate on c0ffee01_net1_h: no limit | 20000 kbit/s with a burst of 16000 kbit',
    ]);
  });
});
