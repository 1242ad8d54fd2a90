import { describe, expect, it } from 'vitest';
import type { Enforcement } from '../../../../src/daemon/limits/enforcement.ts';
import { readFollowedPort } from '../../../../src/daemon/limits/followed-port.ts';
import {
  type InspectedNic,
  isRight,
  type LimitReport,
  reportNic,
} from '../../../../src/daemon/limits/report.ts';
import { formatReport } from '../../../../src/daemon/limits/table.ts';
import { readLimits } from '../../../../src/daemon/model/limits.ts';
import type { InterfaceRow } from '../../../../src/daemon/ovs/port.ts';
import {
  NO_CONTROL,
  type TrafficControl,
  toTrafficControl,
} from '../../../../src/daemon/ovs/traffic-control.ts';
import { ATTACHED, under, WRITTEN } from '../nic/support.ts';
import { CONTAINER_ID, NETNS } from '../support.ts';

type Values = Readonly<Record<string, string>>;
const KERNEL = { mirrorsAll: false, isUserspace: false };

const PORT_ROW: InterfaceRow = {
  name: 'c0ffee01_net1_h',
  externalIds: {
    'iface-id': `web-0.shop.${ATTACHED}`,
    'iface-id-ver': 'uid-1',
    vendor: 'kube-ovn',
    pod_name: 'web-0',
    pod_namespace: 'shop',
    pod_netns: NETNS,
    container_id: CONTAINER_ID,
    if_name: 'net1',
    provider: ATTACHED,
    network: 'attachnet',
  },
  error: null,
  type: '',
};

/** What is in force where the kernel does all that OVS has. */
function enforced({ qos, policing }: TrafficControl): Enforcement {
  const { 'max-rate': maxRate, latency = 0, jitter = 0, loss = 0 } = qos?.config ?? {};
  const queueBps = maxRate === undefined ? undefined : Number(maxRate);
  const netem = {
    latencyUs: Number(latency),
    jitterUs: Number(jitter),
    lossPercent: Number(loss),
    limitPackets: 1000,
  };
  return {
    shaping: {
      value: { type: qos?.type ?? 'none', queueBps, maxBps: undefined, minBps: undefined },
    },
    policedBps: { value: policing.rateKbps > 0 ? policing.rateKbps * 1000 : undefined },
    netem: { value: qos?.type === 'linux-netem' ? netem : undefined },
  };
}

/**
 * A NIC with these annotations.
 * @param changes what is found otherwise than annotated
 */
function nicWith(values: Values, changes: Partial<InspectedNic['found']> = {}): InspectedNic {
  const asked = readLimits(under(ATTACHED, { ...WRITTEN, ...values }), {
    provider: ATTACHED,
    ifName: 'net1',
  });
  const wanted = toTrafficControl(asked, NO_CONTROL, false);
  const found = { ...wanted, mirrorRow: 'a mirror', ...changes };
  const port = readFollowedPort(PORT_ROW);
  if (port === undefined) throw new Error('no port of a pod');
  return { port, asked, found, enforcement: enforced(found) };
}

/** The cells of one limit. */
function limitOf(nic: InspectedNic, name: LimitReport['limit'], node = KERNEL): LimitReport {
  const found = reportNic(nic, node).limits.find(({ limit }) => limit === name);
  if (found === undefined) throw new Error(`no ${name}`);
  return found;
}

const RATES = { ingress_rate: '10', egress_rate: '20' };
const NOT_TOLD = /^OVS was not told "([^"]*)": is kube-ovn-cni running on this node/;

describe('the report of a NIC', () => {
  it('is right where nothing is annotated and nothing there', () => {
    const report = reportNic(nicWith({}), KERNEL);
    expect(report).toMatchObject({
      interface: 'net1',
      provider: ATTACHED,
      port: 'c0ffee01_net1_h',
      logicalSwitchPort: `web-0.shop.${ATTACHED}`,
      warnings: [],
    });
    const cells = report.limits.map(({ limit, annotated, inOvs, inForce, source, notes }) => {
      return [limit, annotated, inOvs, inForce, source, ...notes];
    });
    expect(cells).toEqual([
      ['to the pod', 'no limit', 'no limit', '-', ''],
      ['from the pod', 'no limit', 'no limit', '-', ''],
      ['netem', 'none', 'none', '-', ''],
      ['mirror', 'off', 'off', '-', ''],
    ]);
    expect(isRight(report)).toBe(true);
  });

  it('is right where all is as annotated', () => {
    const nic = nicWith({ ...RATES, mirror: 'true' });
    expect(isRight(reportNic(nic, KERNEL))).toBe(true);
    expect(limitOf(nic, 'to the pod')).toMatchObject({
      annotated: '10 Mbit/s',
      inOvs: '10 Mbit/s, burst 1 Mbit',
      inForce: 'yes',
      source: `${ATTACHED}.kubernetes.io/ingress_rate`,
    });
    expect(limitOf(nic, 'from the pod')).toMatchObject({
      annotated: '20 Mbit/s',
      inOvs: '20 Mbit/s, burst 16 Mbit',
      inForce: 'yes',
      source: `${ATTACHED}.kubernetes.io/egress_rate`,
    });
    expect(limitOf(nic, 'mirror')).toMatchObject({
      annotated: 'on',
      inOvs: 'on',
      source: `${ATTACHED}.kubernetes.io/mirror`,
    });
  });

  it('has netem', () => {
    const nic = nicWith({ latency: '10', loss: '5' });
    expect(limitOf(nic, 'netem')).toMatchObject({
      annotated: 'latency 10 ms, loss 5 %',
      inOvs: 'latency 10 ms, loss 5 %',
      inForce: 'yes',
      isRight: true,
    });
  });

  it.each([
    ['to the pod', { qos: undefined }, '10 Mbit/s, burst 1 Mbit'],
    [
      'to the pod',
      { qos: { type: 'linux-htb', config: { 'max-rate': '9000000', burst: '1000000' } } },
      '10 Mbit/s, burst 1 Mbit',
    ],
    [
      'to the pod',
      { qos: { type: 'linux-htb', config: { 'max-rate': '10000000', burst: '5' } } },
      '10 Mbit/s, burst 1 Mbit',
    ],
    ['from the pod', { policing: NO_CONTROL.policing }, '20 Mbit/s, burst 16 Mbit'],
    ['mirror', { isMirrored: true }, 'off'],
  ] as const)('says what OVS was not told, %s (%#)', (name, changes, wanted) => {
    const nic = nicWith(RATES, changes);
    const { isRight: isThisRight, notes } = limitOf(nic, name);
    expect(isThisRight).toBe(false);
    expect(NOT_TOLD.exec(notes[0] ?? '')?.[1]).toBe(wanted);
    const others = reportNic(nic, KERNEL).limits.filter(({ limit }) => limit !== name);
    expect(others.every((limit) => limit.isRight)).toBe(true);
  });

  it('says what OVS has that is not annotated', () => {
    const qos = { type: 'linux-netem', config: { latency: '10000' } } as const;
    expect(limitOf(nicWith({}, { qos }), 'netem')).toMatchObject({
      annotated: 'none',
      inOvs: 'latency 10 ms',
      isRight: false,
      notes: [expect.stringContaining('OVS was not told "none"')],
    });
  });

  it('is not right where a limit is not in force, or nobody knows', () => {
    const nic = nicWith(RATES);
    const without = { ...nic, enforcement: enforced(NO_CONTROL) };
    expect(limitOf(without, 'to the pod')).toMatchObject({ inForce: 'no', isRight: false });
    expect(limitOf(without, 'from the pod')).toMatchObject({ inForce: 'no', isRight: false });
    const shaping = { unknown: 'ovs-vswitchd does not run' };
    const unknown = { ...nic, enforcement: { ...nic.enforcement, shaping } };
    expect(limitOf(unknown, 'to the pod')).toMatchObject({
      inForce: 'unknown',
      isRight: false,
      notes: [shaping.unknown],
    });
  });

  it("has no limit from the pod in force on OVS's userspace datapath", () => {
    const node = { ...KERNEL, isUserspace: true };
    expect(limitOf(nicWith(RATES), 'from the pod', node)).toMatchObject({ inForce: 'no' });
    expect(limitOf(nicWith(RATES), 'to the pod', node)).toMatchObject({ inForce: 'yes' });
  });

  it('is right where a rate is more than OVS can have, and says so', () => {
    const nic = nicWith({ ingress_rate: '40000' });
    const value = { type: 'linux-htb', queueBps: 1e10, maxBps: 1e10, minBps: 11_200 };
    const capped = { ...nic, enforcement: { ...nic.enforcement, shaping: { value } } };
    expect(limitOf(capped, 'to the pod')).toMatchObject({
      annotated: '40 Gbit/s',
      inForce: 'yes',
      isRight: true,
      notes: ['in force as 10 Gbit/s: OVS shapes to no more'],
    });
  });

  it('says what becomes of a burst', () => {
    const nic = nicWith({ ...RATES, ingress_burst: '4', egress_burst: '5' });
    expect(limitOf(nic, 'to the pod')).toMatchObject({
      annotated: '10 Mbit/s, burst 4 Mbit',
      inOvs: '10 Mbit/s, burst 500 kbit',
      isRight: true,
      notes: ['the burst is one of 500 kbit: OVS takes the number of bytes for bits'],
    });
    expect(limitOf(nic, 'from the pod')).toMatchObject({
      annotated: '20 Mbit/s, burst 5 Mbit',
      inOvs: '20 Mbit/s, burst 5 Mbit',
      notes: [],
    });
  });

  it('is not right where an annotation is wrong: what was there before stays', () => {
    const { qos } = nicWith(RATES).found;
    const nic = nicWith({ ...RATES, ingress_rate: 'fast' }, { qos });
    expect(limitOf(nic, 'to the pod')).toMatchObject({
      annotated: 'wrong',
      inOvs: '10 Mbit/s, burst 1 Mbit',
      inForce: 'yes',
      isRight: false,
      source: `${ATTACHED}.kubernetes.io/ingress_rate`,
    });
    const { warnings } = reportNic(nic, KERNEL);
    expect(warnings).toEqual([expect.stringContaining('is wrong: "fast"')]);
  });

  it('is not right where netem is annotated beside a rate: the rate wins', () => {
    const nic = nicWith({ ...RATES, latency: '10' });
    expect(limitOf(nic, 'to the pod')).toMatchObject({ inForce: 'yes', isRight: true });
    expect(limitOf(nic, 'netem')).toMatchObject({
      annotated: 'latency 10 ms',
      inOvs: 'none',
      inForce: 'no',
      isRight: false,
      notes: [],
    });
    expect(reportNic(nic, KERNEL).warnings).toEqual([expect.stringContaining('has no effect')]);
  });

  it('is right where all is mirrored, whatever is annotated', () => {
    const node = { ...KERNEL, mirrorsAll: true };
    for (const mirror of ['true', 'false']) {
      const nic = nicWith({ mirror }, { isMirrored: false });
      expect(limitOf(nic, 'mirror', node)).toMatchObject({ inOvs: 'on for all', isRight: true });
    }
  });

  it('says where the node has no mirror', () => {
    const nic = nicWith({ mirror: 'true' }, { isMirrored: false, mirrorRow: undefined });
    expect(limitOf(nic, 'mirror').notes).toEqual(['the node has no mirror yet']);
  });
});

describe('the table', () => {
  const lines = (nics: readonly InspectedNic[]) =>
    formatReport(nics.map((nic) => reportNic(nic, KERNEL))).split('\n');

  it('has a line for each limit, in columns', () => {
    expect(lines([nicWith({ ...RATES, mirror: 'true' })])).toEqual([
      `net1, network ${ATTACHED}, port c0ffee01_net1_h, logical switch port web-0.shop.${ATTACHED}`,
      '                annotated  in Open vSwitch           in force  from',
      `  to the pod    10 Mbit/s  10 Mbit/s, burst 1 Mbit   yes       ${ATTACHED}.kubernetes.io/ingress_rate`,
      `  from the pod  20 Mbit/s  20 Mbit/s, burst 16 Mbit  yes       ${ATTACHED}.kubernetes.io/egress_rate`,
      '  netem         none       none                      -',
      `  mirror        on         on                        -         ${ATTACHED}.kubernetes.io/mirror`,
    ]);
  });

  it('marks what needs attention, and says why below', () => {
    const nic = nicWith({ ingress_rate: '10', egress_rate: 'fast' }, { qos: undefined });
    const marked = lines([nic]).filter((line) => line.startsWith('!'));
    expect(marked).toEqual([
      expect.stringMatching(/^! to the pod {4}10 Mbit\/s {2}no limit/),
      expect.stringMatching(/^! from the pod {2}wrong {6}no limit/),
      expect.stringMatching(/^! to the pod: OVS was not told "10 Mbit\/s, burst 1 Mbit": is kube/),
      expect.stringMatching(/^! annotation \S+egress_rate is wrong: "fast"; expected/),
    ]);
  });

  it('says what is worth knowing without a mark', () => {
    const found = lines([nicWith({ ingress_rate: '10', ingress_burst: '4' })]);
    expect(found.at(-1)).toMatch(/^ {2}to the pod: the burst is one of 500 kbit/);
  });

  it('names several annotations of one place shortly', () => {
    const found = lines([nicWith({ latency: '10', jitter: '1', loss: '5' })]).join('\n');
    expect(found).toContain(`${ATTACHED}.kubernetes.io/latency, …/jitter, …/loss`);
  });

  it('has several interfaces one below the other, and leaves out a name that nobody knows', () => {
    const nic = nicWith({});
    const found = lines([nic, { ...nic, port: { ...nic.port, ifName: '' } }]);
    expect(found[6]).toBe('');
    expect(found[7]).toMatch(/^network attachnet\.default\.ovn, port/);
    expect(found).toHaveLength(13);
  });
});
