import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isPortOf, type PortPlan, plugCommands } from '../../../../src/daemon/ovs/port.ts';
import { unplugCommands } from '../../../../src/daemon/ovs/port-removal.ts';
import { NO_CONTROL, type Qos } from '../../../../src/daemon/ovs/traffic-control.ts';
import { attachmentOf, CONTAINER_ID, HOSTILE_TEXTS, NETNS } from '../support.ts';
import { LIMITED, planOf } from './port-plan.ts';

const KEY = [`external_ids:container_id="${CONTAINER_ID}"`, 'external_ids:if_name="net1"'];
/** Of the QoS and Queue rows of a virtual machine. */
const MARKS = [
  'external_ids:iface-id="web-0.shop.attachnet.default.ovn"',
  'external_ids:pod="shop/vm-1"',
  ...KEY,
];

describe('the commands that plug a port', () => {
  it('make an Interface and a Port and add it to br-int', () => {
    expect(plugCommands(planOf(), [])).toEqual([
      ...['--', '--id=@interface', 'create', 'Interface', 'name="c0ffee01_net1_h"'],
      'external_ids:iface-id="web-0.shop.attachnet.default.ovn"',
      'external_ids:iface-id-ver="uid-1"',
      'external_ids:vendor="kube-ovn"',
      'external_ids:pod_name="web-0"',
      'external_ids:pod_namespace="shop"',
      `external_ids:pod_netns="${NETNS}"`,
      'external_ids:ip="10.16.0.15,fd00:10:16::f"',
      ...KEY,
      'external_ids:provider="attachnet.default.ovn"',
      'external_ids:network="attachnet"',
      ...['--', '--id=@port', 'create', 'Port', 'name="c0ffee01_net1_h"', 'interfaces=@interface'],
      ...['--', 'add', 'Bridge', 'br-int', 'ports', '@port'],
    ]);
  });

  it('take the iface-id from the rows of older sandboxes first', () => {
    const words = plugCommands(planOf(), ['uuid-1', 'uuid-2']);
    const lost = 'external_ids:lost-iface-id="web-0.shop.attachnet.default.ovn"';
    const taken = ['uuid-1', 'uuid-2'].flatMap((uuid) => [
      ...['--', '--if-exists', 'remove', 'Interface', uuid, 'external_ids', 'iface-id'],
      ...['--', '--if-exists', 'set', 'Interface', uuid, lost],
    ]);
    expect(words.slice(0, taken.length)).toEqual(taken);
    expect(words.slice(taken.length)).toEqual(plugCommands(planOf(), []));
  });

  it("police the pod's egress on the Interface row", () => {
    const control = { ...NO_CONTROL, policing: LIMITED.policing };
    const words = plugCommands(planOf({ control }), []);
    const plain = plugCommands(planOf(), []);
    const added = ['ingress_policing_rate=3000', 'ingress_policing_burst=2400'];
    const at = plain.indexOf('--', 1);
    expect(words).toEqual(plain.toSpliced(at, 0, ...added));
  });

  it("shape the pod's ingress by a queue of the Port's QoS row, both with the marks", () => {
    const qos: Qos = { type: 'linux-htb', config: { 'max-rate': '5000000', burst: '250000' } };
    const words = plugCommands(planOf({ control: { ...NO_CONTROL, qos }, workload: 'vm-1' }), []);
    expect(words.slice(words.indexOf('--', 1))).toEqual([
      ...['--', '--id=@queue', 'create', 'Queue', ...MARKS],
      ...['other_config:max-rate=5000000', 'other_config:burst=250000'],
      ...['--', '--id=@qos', 'create', 'QoS', 'type=linux-htb', ...MARKS, 'queues:0=@queue'],
      ...['--', '--id=@port', 'create', 'Port', 'name="c0ffee01_net1_h"', 'interfaces=@interface'],
      'qos=@qos',
      ...['--', 'add', 'Bridge', 'br-int', 'ports', '@port'],
    ]);
  });

  it("disturb the pod's ingress by the Port's QoS row alone, with the marks", () => {
    const qos: Qos = { type: 'linux-netem', config: { latency: '10000', loss: '0.5' } };
    const words = plugCommands(planOf({ control: { ...NO_CONTROL, qos }, workload: 'vm-1' }), []);
    expect(words.slice(words.indexOf('--', 1))).toEqual([
      ...['--', '--id=@qos', 'create', 'QoS', 'type=linux-netem', ...MARKS],
      ...['other_config:latency=10000', 'other_config:loss=0.5'],
      ...['--', '--id=@port', 'create', 'Port', 'name="c0ffee01_net1_h"', 'interfaces=@interface'],
      'qos=@qos',
      ...['--', 'add', 'Bridge', 'br-int', 'ports', '@port'],
    ]);
  });

  it('choose the port for the mirror where it is to be mirrored and there is one', () => {
    const control = { ...NO_CONTROL, isMirrored: true };
    const plain = plugCommands(planOf(), []);
    expect(plugCommands(planOf({ control, mirrorRow: 'mirror' }), [])).toEqual([
      ...plain,
      ...['--', '--if-exists', 'add', 'Mirror', 'mirror', 'select_dst_port', '@port'],
    ]);
    expect(plugCommands(planOf({ control }), [])).toEqual(plain);
    expect(plugCommands(planOf({ mirrorRow: 'mirror' }), [])).toEqual(plain);
  });

  it('keep what the runtime asked for, whatever the limits are', () => {
    const bandwidth = { ingressBps: 1_000_000, ingressBurstBits: 800_000, egressBps: 500_000 };
    const kept = 'external_ids:bandwidth="ingress=1000000/800000,egress=500000"';
    const plain = plugCommands(planOf(), []);
    const at = plain.indexOf('--', 1);
    expect(plugCommands(planOf({ bandwidth }), [])).toEqual(plain.toSpliced(at, 0, kept));
  });

  it('name the tunnel address of a node network', () => {
    expect(plugCommands(planOf({ encapIp: '10.9.0.1' }), [])).toContain(
      'external_ids:encap-ip="10.9.0.1"',
    );
  });

  it('leave out what a NIC does not have', () => {
    const words = plugCommands(planOf({ addresses: [] }), []).join(' ');
    expect(words).not.toMatch(/external_ids:(ip|encap-ip|bandwidth)=|policing|qos|Queue|Mirror/);
  });

  it('name the workload, which may be a virtual machine', () => {
    const words = plugCommands(planOf({ workload: 'vm-1' }), []);
    expect(words).toContain('external_ids:pod_name="vm-1"');
  });
});

describe('values in the commands that plug a port', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary', minLength: 1 }),
    fc.constantFrom(...HOSTILE_TEXTS.filter((each) => each.length < 100)),
  );
  const changes = fc.record(
    {
      hostInterface: text,
      ifaceId: text,
      podUid: text,
      workload: text,
      addresses: fc.array(text, { minLength: 1, maxLength: 2 }),
      encapIp: text,
      attachment: fc
        .record({
          ...{ containerId: text, ifName: text, netns: text, namespace: text, name: text },
          ...{ provider: text, network: text },
        })
        .map(({ namespace, name, ...others }) =>
          attachmentOf({ ...others, pod: { namespace, name } }),
        ),
    },
    { requiredKeys: ['encapIp'] },
  );
  const control = LIMITED;

  it('never add a word, and never change one that is not their own', async () => {
    const plain = plugCommands(planOf({ control, encapIp: '10.9.0.1' }), ['uuid']);
    await fc.assert(
      fc.property(changes, (changed) => {
        const words = plugCommands(planOf({ control, ...(changed as Partial<PortPlan>) }), [
          'uuid',
        ]);
        expect(words).toHaveLength(plain.length);
        words.forEach((word, index) => {
          const own = /^(external_ids:[a-z_-]+=|name=)/.exec(plain[index] ?? '')?.[0];
          if (own === undefined) expect(word).toBe(plain[index]);
          else {
            expect(word.startsWith(`${own}"`)).toBe(true);
            expect(typeof JSON.parse(word.slice(own.length))).toBe('string');
          }
        });
      }),
    );
  });
});

describe('the commands that unplug ports', () => {
  it('free the QoS rows, destroy them and take the ports from br-int', () => {
    expect(unplugCommands({ ports: ['p1', 'p2'], qos: ['q1'], queues: ['u1', 'u2'] })).toEqual([
      ...['--', '--if-exists', 'clear', 'Port', 'p1', 'qos'],
      ...['--', '--if-exists', 'clear', 'Port', 'p2', 'qos'],
      ...['--', '--if-exists', 'destroy', 'QoS', 'q1'],
      ...['--', '--if-exists', 'destroy', 'Queue', 'u1'],
      ...['--', '--if-exists', 'destroy', 'Queue', 'u2'],
      ...['--', '--if-exists', 'remove', 'Bridge', 'br-int', 'ports', 'p1'],
      ...['--', '--if-exists', 'remove', 'Bridge', 'br-int', 'ports', 'p2'],
    ]);
  });

  it('are none where there is nothing', () => {
    expect(unplugCommands({ ports: [], qos: [], queues: [] })).toEqual([]);
  });
});

describe('a port', () => {
  const names = ['c0ffee01_net1_h', 'hashed_h'];
  const attachment = attachmentOf({ ifName: 'net1' });
  const isOurs = (name: string, externalIds: Record<string, string>, of = attachment) =>
    isPortOf({ name, externalIds }, of, names);
  const goIds = { vendor: 'kube-ovn', pod_namespace: 'shop', pod_name: 'web-0', pod_netns: NETNS };

  it.each([
    [{ container_id: CONTAINER_ID, if_name: 'net1' }, true],
    [{ container_id: CONTAINER_ID, if_name: 'net2' }, false],
    [{ container_id: `${CONTAINER_ID.slice(0, -1)}x`, if_name: 'net1' }, false],
    [{ container_id: CONTAINER_ID }, false],
    // Another sandbox of the same pod: the name and the pod do not make it ours.
    [{ ...goIds, container_id: 'other', if_name: 'net1' }, false],
  ])("is an attachment's by its key: %j is %s", (externalIds, expected) => {
    for (const name of [...names, 'another_h']) expect(isOurs(name, externalIds)).toBe(expected);
  });

  it.each([
    ['is', 'another', 'another.default.ovn', false],
    ['was renamed', 'another', attachment.provider, true],
    ['got another provider', attachment.network, 'another.default.ovn', true],
    ['does not say its name', '', 'another.default.ovn', true],
  ])(
    'of a network that %s another one is known by name and provider',
    (_, network, provider, expected) => {
      const key = { container_id: CONTAINER_ID, if_name: 'net1' };
      const ids = { ...key, network: attachment.network, provider: attachment.provider };
      expect(isOurs('another_h', ids, { ...attachment, network, provider })).toBe(expected);
      // One that was made before there were such marks.
      expect(isOurs('another_h', key, { ...attachment, network, provider })).toBe(true);
    },
  );

  it.each([
    [goIds, true],
    [{ ...goIds, vendor: 'ovn-kubernetes' }, false],
    [{ ...goIds, pod_namespace: 'other' }, false],
    [{ ...goIds, pod_name: 'web-1', pod_netns: '/run/netns/other' }, false],
    // A KubeVirt VM's name stands there.
    [{ ...goIds, pod_name: 'vm-1' }, true],
    // The sandbox's namespace is gone.
    [{ ...goIds, pod_netns: '' }, true],
    [{}, false],
  ])("of Kube-OVN's own daemon is told by name and pod: %j is %s", (externalIds, expected) => {
    expect(isOurs('c0ffee01_net1_h', externalIds)).toBe(expected);
    expect(isOurs('another_h', externalIds)).toBe(false);
    expect(isOurs('hashed_h', externalIds)).toBe(false);
  });

  it("of a VM's sandbox that is gone is not told by a namespace that nobody has", () => {
    const { netns: _, ...gone } = attachment;
    const row = { name: 'c0ffee01_net1_h', externalIds: { ...goIds, pod_name: 'vm-1' } };
    expect(isPortOf(row, gone, names)).toBe(false);
    const { pod_netns: __, ...without } = row.externalIds;
    expect(isPortOf({ ...row, externalIds: without }, gone, names)).toBe(false);
  });
});
