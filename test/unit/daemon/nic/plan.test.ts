import { describe, expect, it } from 'vitest';
import type { LiveAttachment } from '../../../../src/daemon/model/attachment.ts';
import { projectNode } from '../../../../src/daemon/model/node.ts';
import { projectPod } from '../../../../src/daemon/model/pod.ts';
import { toWireRoute } from '../../../../src/daemon/model/route.ts';
import { projectSubnet } from '../../../../src/daemon/model/subnet.ts';
import { type NicPlan, type PlanParts, planNic } from '../../../../src/daemon/nic/plan.ts';
import type { TableName } from '../../../../src/daemon/ovs/rows.ts';
import { NO_CONTROL } from '../../../../src/daemon/ovs/traffic-control.ts';
import { AttachmentQueue } from '../../../../src/daemon/ownership/attachment-queue.ts';
import { rowOf, type Said } from '../ovs/rows.ts';
import { attachmentOf, CONTAINER_ID, expectReadable, failureOf, NETNS } from '../support.ts';
import { ATTACHED, net1, nicOf, primary, under, V4, V6, WRITTEN } from './support.ts';

/** A copy of a table, of which only the look by name is used. */
function tableOf<T extends TableName>(table: T, rows: readonly Said<T>[]) {
  const all = rows.map((row) => rowOf(table, row));
  return { named: (name: string) => all.find((row) => 'name' in row && row.name === name) };
}

interface Surroundings {
  readonly annotations?: Record<string, string | undefined>;
  /** Annotations beside those of the NIC. */
  readonly more?: Record<string, string>;
  readonly attachment?: LiveAttachment;
  readonly spec?: object;
  readonly status?: object;
  readonly interfaces?: readonly Said<'Interface'>[];
  readonly bridges?: readonly Said<'Bridge'>[];
  readonly nodeNetworks?: string;
  readonly queue?: AttachmentQueue;
  readonly mirror?: { readonly all: boolean; readonly uuid?: string };
}

function plan(surroundings: Surroundings = {}): NicPlan {
  const { attachment = primary, more = {}, spec, status, queue } = surroundings;
  const { mirror = { all: false } } = surroundings;
  const node = projectNode({
    metadata: {
      annotations: { 'ovn.kubernetes.io/node_networks': surroundings.nodeNetworks ?? '' },
    },
  });
  const parts = {
    nodeName: 'node-1',
    node: { get: (name: string) => (name === 'node-1' ? node : undefined) },
    interfaces: tableOf('Interface', surroundings.interfaces ?? []),
    bridges: tableOf('Bridge', surroundings.bridges ?? []),
    queue: queue ?? new AttachmentQueue(),
    mirror,
  } as unknown as PlanParts;
  const written = { ...WRITTEN, ...surroundings.annotations };
  const annotations = { ...under(attachment.provider, written), ...more };
  const metadata = { name: 'web-0', namespace: 'shop', uid: 'uid-1', annotations };
  const allocation = {
    pod: projectPod({ metadata }),
    nic: nicOf(annotations, attachment),
    subnet: spec && projectSubnet({ metadata: { name: 'subnet' }, spec, status }),
  };
  return planNic(attachment, allocation, 1400, parts);
}

const routesOf = (surroundings: Surroundings) =>
  plan(surroundings).interface.routes.map(toWireRoute);
const DUAL = {
  ip_address: `${V4.ip_address},${V6.ip_address}`,
  cidr: `${V4.cidr},${V6.cidr}`,
  gateway: `${V4.gateway},${V6.gateway}`,
};
const MAC_ONLY = { ip_address: undefined, cidr: undefined, gateway: undefined };

describe('the plan of the primary NIC', () => {
  it('follows from its annotations', () => {
    const { attachment, kind, link, port, gateways, ...others } = plan();
    expect(attachment).toBe(primary);
    expect(kind.nicType).toBe('veth-pair');
    expect(link).toEqual({
      hostInterface: 'c0ffee012345_h',
      ifName: 'eth0',
      netns: NETNS,
      mtu: 1400,
      mac: '00:00:00:53:6b:b6',
      mark: `kube-ovn/${CONTAINER_ID}/eth0/ovn/`,
      needsChecksums: false,
    });
    expect(port).toEqual({
      attachment: primary,
      hostInterface: 'c0ffee012345_h',
      ifaceId: 'web-0.shop',
      podUid: 'uid-1',
      workload: 'web-0',
      addresses: ['10.16.0.15'],
      control: NO_CONTROL,
    });
    expect(gateways.map(({ text }) => text)).toEqual(['10.16.0.1']);
    expect(others).toMatchObject({
      interface: { ifName: 'eth0', netns: NETNS, alias: 'c0ffee012345_c' },
      gatewayCheck: 'must-answer',
    });
    expect(others).not.toHaveProperty('localnetPatchPort');
  });

  it.each([
    [primary, {}, 'web-0.shop'],
    [net1, {}, `web-0.shop.${ATTACHED}`],
    [net1, { virtualmachine: 'vm-1' }, `vm-1.shop.${ATTACHED}`],
  ])('names the logical switch port (%#)', (attachment, annotations, ifaceId) => {
    expect(plan({ attachment, annotations }).port.ifaceId).toBe(ifaceId);
  });

  it('names the logical switch port after the interface where several share the network', () => {
    const more = under(`${ATTACHED}.net1`, WRITTEN);
    expect(plan({ attachment: net1, more }).port.ifaceId).toBe(`web-0.shop.${ATTACHED}.net1`);
  });

  it("is refused with addresses but no MAC, and names the NIC's own annotation", () => {
    const error = failureOf(() => plan({ annotations: { mac_address: undefined } }));
    expect([error.code, error.message]).toEqual([
      7,
      'annotation ovn.kubernetes.io/mac_address is wrong: ""',
    ]);
    const more = under(`${ATTACHED}.net1`, { ...WRITTEN, mac_address: undefined });
    const shared = failureOf(() => plan({ attachment: net1, more }));
    expect(shared.message).toContain(`${ATTACHED}.net1.kubernetes.io/mac_address`);
  });

  it('takes the MAC that the kernel chooses where there is neither MAC nor address', () => {
    const withoutIpam = { ip_address: undefined, mac_address: undefined };
    expect(plan({ annotations: withoutIpam }).link).not.toHaveProperty('mac');
  });

  it('knows the userspace datapath of br-int, and of no other bridge', () => {
    const netdev = { name: 'br-int', datapath_type: 'netdev' };
    const system = { name: 'br-int', datapath_type: '' };
    const other = { name: 'br-ex', datapath_type: 'netdev' };
    expect(plan({ bridges: [other, netdev] }).link.needsChecksums).toBe(true);
    expect(plan({ bridges: [other, system] }).link.needsChecksums).toBe(false);
    expect(plan({ bridges: [other] }).link.needsChecksums).toBe(false);
  });
});

describe('the routes of a plan', () => {
  it('are one default route per gateway where the NIC holds it', () => {
    expect(routesOf({ annotations: DUAL })).toEqual([
      { dst: '0.0.0.0/0', gw: '10.16.0.1' },
      { dst: '::/0', gw: 'fd00:10:16::1' },
    ]);
    expect(routesOf({ annotations: { ...DUAL, ...V6 } })).toEqual([
      { dst: '::/0', gw: 'fd00:10:16::1' },
    ]);
  });

  it('are none where it does not, unless they are written', () => {
    expect(routesOf({ attachment: net1 })).toEqual([]);
    const routes = '[{"dst":"192.168.0.101/24","gw":"10.16.0.254"}]';
    expect(routesOf({ attachment: net1, annotations: { routes } })).toEqual([
      { dst: '192.168.0.0/24', gw: '10.16.0.254' },
    ]);
  });

  it("are the configuration's too, and the pod's annotation wins", () => {
    const [configured] = plan({
      annotations: { routes: '[{"dst":"10.1.0.0/16","gw":"10.16.0.2"}]' },
    }).interface.routes.slice(-1);
    const attachment = attachmentOf({ routes: configured ? [configured] : [] });
    const annotations = { routes: '[{"dst":"10.1.0.0/16","gw":"10.16.0.3"}]' };
    expect(routesOf({ attachment, annotations: {} }).slice(-1)).toEqual([
      { dst: '10.1.0.0/16', gw: '10.16.0.2' },
    ]);
    expect(routesOf({ attachment, annotations })).toEqual([
      { dst: '0.0.0.0/0', gw: '10.16.0.1' },
      { dst: '10.1.0.0/16', gw: '10.16.0.3' },
    ]);
  });

  it('have one default route where the annotation has another', () => {
    const annotations = { ...DUAL, routes: '[{"gw":"10.16.0.254"}]' };
    expect(
      routesOf({ annotations }).toSorted((a, b) => (a.gw ?? '').localeCompare(b.gw ?? '')),
    ).toEqual([
      { dst: '0.0.0.0/0', gw: '10.16.0.254' },
      { dst: '::/0', gw: 'fd00:10:16::1' },
    ]);
  });

  it('are none of a NIC that has no address', () => {
    const attachment = attachmentOf({ routes: plan().interface.routes });
    const annotations = { ...MAC_ONLY, routes: '[{"gw":"10.16.0.1"}]' };
    expect(routesOf({ attachment, annotations })).toEqual([]);
  });

  it("go through OVN's own address on an underlay network with u2o interconnection", () => {
    const spec = { vlan: 'vlan1', u2oInterconnection: true };
    const status = { u2oInterconnectionIP: '10.16.0.9' };
    const surroundings = { annotations: DUAL, spec, status };
    expect(routesOf(surroundings)).toEqual([
      { dst: '0.0.0.0/0', gw: '10.16.0.9' },
      { dst: '::/0', gw: 'fd00:10:16::1' },
    ]);
    const gateways = plan(surroundings).gateways.map(({ text }) => text);
    expect(gateways).toEqual(['10.16.0.9', '10.16.0.1', 'fd00:10:16::1']);
  });
});

describe('the gateway check of a plan', () => {
  it.each([
    [{}, {}, 'must-answer'],
    [{ disableGatewayCheck: true }, {}, 'try-once'],
    [{}, { 'ovn.kubernetes.io/activation_strategy': 'rarp' }, 'skip'],
    [{}, { 'kubevirt.io/migrationJobName': 'job' }, 'skip'],
    [{ disableGatewayCheck: true }, { 'kubevirt.io/migrationJobName': 'job' }, 'skip'],
  ])('for a Subnet %j and annotations %j is %s', (spec, more, expected) => {
    expect(plan({ spec, more }).gatewayCheck).toBe(expected);
  });

  it('asks the gateways of the families that the NIC has', () => {
    const texts = (annotations: object) =>
      plan({ annotations: { ...DUAL, ...annotations } }).gateways.map(({ text }) => text);
    expect(texts({})).toEqual(['10.16.0.1', 'fd00:10:16::1']);
    expect(texts({ ip_address: V6.ip_address })).toEqual(['fd00:10:16::1']);
    expect(texts({ gateway: '' })).toEqual([]);
    expect(texts({ ip_address: undefined })).toEqual([]);
  });

  it('asks no gateway that OVN has in a family which the NIC lacks', () => {
    const spec = { vlan: 'vlan1', u2oInterconnection: true };
    const status = { u2oInterconnectionIP: '10.16.0.9,fd00:10:16::9' };
    const gateways = plan({ spec, status, annotations: V6 }).gateways;
    expect(gateways.map(({ text }) => text)).toEqual(['fd00:10:16::9', 'fd00:10:16::1']);
  });
});

describe('the plan of an underlay NIC', () => {
  it("waits for its switch's patch port, and lets the kernel look for duplicates", () => {
    const { localnetPatchPort, interface: own } = plan({ spec: { vlan: 'vlan1' } });
    expect(localnetPatchPort).toBe('patch-localnet.subnet-to-br-int');
    expect(own.skipDuplicateDetection).toBe(false);
  });

  it('looks for no duplicate while a virtual machine migrates: the address is in use', () => {
    const more = { 'kubevirt.io/migrationJobName': 'job' };
    const { interface: own } = plan({ spec: { vlan: 'vlan1' }, more });
    expect(own.skipDuplicateDetection).toBe(true);
  });

  it.each([undefined, {}, { vlan: 'vlan1', logicalGateway: true }])(
    'is not that of a Subnet %j',
    (spec) => {
      const planned = plan(spec === undefined ? {} : { spec });
      expect(planned).not.toHaveProperty('localnetPatchPort');
      expect(planned.interface.skipDuplicateDetection).toBe(true);
    },
  );
});

describe('the limits of a plan', () => {
  const bandwidth = { ingressBps: 8000, egressBps: 4000 };

  it('follow from the annotations, and before them nothing is there', () => {
    const annotations = { ingress_rate: '5', ingress_burst: '2', egress_rate: '3' };
    const planned = plan({ annotations });
    expect(planned.port.control).toEqual({
      policing: { rateKbps: 3000, burstKbit: 2400 },
      qos: { type: 'linux-htb', config: { 'max-rate': '5000000', burst: '250000' } },
      isMirrored: false,
    });
    expect(planned.asked.ingress.value).toEqual({ bitsPerSecond: 5_000_000, burstBits: 2_000_000 });
    expect(plan({ annotations: { latency: '10' } }).port.control.qos).toEqual({
      type: 'linux-netem',
      config: { latency: '10000' },
    });
  });

  it("are the interface's own where several share the network", () => {
    const more = under(`${ATTACHED}.net1`, { ...WRITTEN, egress_rate: '7' });
    const { control } = plan({ attachment: net1, annotations: { egress_rate: '3' }, more }).port;
    expect(control.policing.rateKbps).toBe(7000);
  });

  it("are the runtime's where no annotation says any, and are kept beside those that do", () => {
    const attachment = attachmentOf({ bandwidth });
    const { port } = plan({ attachment });
    expect(port.bandwidth).toBe(bandwidth);
    expect(port.control.policing).toEqual({ rateKbps: 4, burstKbit: 4 });
    expect(port.control.qos?.config).toEqual({ 'max-rate': '8000', burst: '800' });
    const annotated = plan({ attachment, annotations: { ingress_rate: '0' } }).port;
    expect(annotated.control.qos).toBeUndefined();
    expect(annotated.control.policing.rateKbps).toBe(4);
    expect(annotated.bandwidth).toBe(bandwidth);
  });

  it('are refused where one is wrong, with an error that names its annotation', () => {
    for (const name of ['ingress_rate', 'egress_burst', 'latency', 'loss']) {
      const error = failureOf(() => plan({ annotations: { [name]: '-1' } }));
      expect([error.code, error.message]).toEqual([
        7,
        `annotation ovn.kubernetes.io/${name} is wrong: "-1"`,
      ]);
      expectReadable(error);
    }
  });

  it("name the node's Mirror row, and choose a port for it only where not all are", () => {
    const annotations = { mirror: 'true' };
    const uuid = '00000001-0000-4000-8000-000000000000';
    const { port } = plan({ annotations, mirror: { all: false, uuid } });
    expect([port.control.isMirrored, port.mirrorRow]).toEqual([true, uuid]);
    expect(plan({ annotations, mirror: { all: true, uuid } }).port.control.isMirrored).toBe(false);
    const early = plan({ annotations }).port;
    expect(early.control.isMirrored).toBe(true);
    expect(early).not.toHaveProperty('mirrorRow');
  });
});

describe('the tunnel address of a plan', () => {
  const spec = { nodeNetwork: 'storage' };

  it("is the node's on the Subnet's node network", () => {
    const nodeNetworks = '{"storage":"10.9.0.1"}';
    expect(plan({ spec, nodeNetworks }).port.encapIp).toBe('10.9.0.1');
    expect(plan({ spec: {}, nodeNetworks }).port).not.toHaveProperty('encapIp');
  });

  it.each(['', '{"other":"10.9.0.1"}', '{"storage":"nonsense"}'])(
    'may come later where the node has %j',
    (nodeNetworks) => {
      const error = failureOf(() => plan({ spec, nodeNetworks }));
      expect(error.code).toBe(11);
      expect(error.message).toContain('"storage"');
      expect(error.details).toContain('node-1');
    },
  );

  it('is none of the names that objects have by themselves', () => {
    const error = failureOf(() => plan({ spec: { nodeNetwork: 'constructor' } }));
    expect(error.code).toBe(11);
  });
});

describe('the host interface of a plan', () => {
  const first = 'c0ffee012345_h';
  const foreign = { name: first, external_ids: { container_id: 'other', if_name: 'eth0' } };

  it('is the first name that no port of another attachment has', () => {
    const ids = { container_id: CONTAINER_ID, if_name: 'eth0' };
    const own = { name: first, external_ids: ids };
    expect(plan({ interfaces: [own] }).link.hostInterface).toBe(first);
    const { link, port, interface: inPod } = plan({ interfaces: [foreign] });
    expect(link.hostInterface).toMatch(/^[a-z2-7]{13}_h$/);
    expect(port.hostInterface).toBe(link.hostInterface);
    expect(inPod.alias).toBe(link.hostInterface.replace(/_h$/, '_c'));
  });

  it('is the first name that no running ADD of another attachment uses', () => {
    const queue = new AttachmentQueue();
    {
      using _other = queue.use(first, attachmentOf({ containerId: 'other' }));
      expect(plan({ queue }).link.hostInterface).not.toBe(first);
    }
    expect(plan({ queue }).link.hostInterface).toBe(first);
    using _own = queue.use(first, primary);
    expect(plan({ queue }).link.hostInterface).toBe(first);
  });

  it('may come later where every name is taken', () => {
    const second = plan({ interfaces: [foreign] }).link.hostInterface;
    const error = failureOf(() => plan({ interfaces: [foreign, { ...foreign, name: second }] }));
    expect(error.code).toBe(11);
    expect(error.message).toContain(second);
  });

  it('is not that of a port which is none of ours', () => {
    const unknown = { name: first, external_ids: {} };
    expect(plan({ interfaces: [unknown] }).link.hostInterface).not.toBe(first);
  });
});
