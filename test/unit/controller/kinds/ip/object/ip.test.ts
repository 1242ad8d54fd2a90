import { describe, expect, it } from 'vitest';
import {
  ipPatch,
  isNew,
  isReserved,
  newIp,
  projectIp,
  readReservation,
  reservationPatch,
} from '../../../../../../src/controller/kinds/ip/object/ip.ts';
import type { AllocatedNic } from '../../../../../../src/controller/kinds/pod/object/allocated-nic.ts';
import { FINALIZER } from '../../../../../../src/controller/model/meta.ts';
import {
  address,
  MACVLAN,
  messagesOf,
  rawObject,
  rightOf,
  subnetOf,
} from '../../object-support.ts';

const macvlan = subnetOf(MACVLAN, 'macvlan');
const dual = subnetOf({ cidrBlock: '10.0.0.0/24,fd00::/64', provider: 'net.shop.ovn' }, 'dual');

const ovnNic: AllocatedNic = {
  kind: 'ovn',
  provider: 'net.shop.ovn',
  port: 'web-0.shop.net.shop.ovn',
  subnet: dual,
  addresses: [address('10.0.0.5'), address('fd00::5')],
  mac: '02:00:00:00:00:05',
};
const ipamNic: AllocatedNic = {
  kind: 'ipam',
  provider: 'macvlan.default',
  port: 'web-0.shop.macvlan.default',
  subnet: macvlan,
  addresses: [address('172.17.0.11')],
  mac: '00:00:00:53:6b:bb',
};
const holder = { workload: 'web-0', namespace: 'shop', nodeName: 'node1', podType: '' } as const;

/** The object as the API server has it after its creation. */
const created = (nic: AllocatedNic, of: Parameters<typeof newIp>[1] = holder) => {
  const object = newIp(nic, of) as { metadata: object };
  return projectIp({
    ...object,
    metadata: { ...object.metadata, uid: 'uid', resourceVersion: '9' },
  });
};

describe('the IP object of a NIC', () => {
  it('has everything that Kube-OVN has in it', () => {
    expect(newIp(ovnNic, { ...holder, podType: 'StatefulSet' })).toEqual({
      apiVersion: 'kubeovn.io/v1',
      kind: 'IP',
      metadata: {
        name: 'web-0.shop.net.shop.ovn',
        labels: {
          'ovn.kubernetes.io/subnet': 'dual',
          'ovn.kubernetes.io/node-name': 'node1',
          'ovn.kubernetes.io/ip_reserved': 'false',
          dual: '',
        },
        finalizers: ['kubeovn.io/kube-ovn-controller'],
      },
      spec: {
        podName: 'web-0',
        namespace: 'shop',
        subnet: 'dual',
        nodeName: 'node1',
        ipAddress: '10.0.0.5,fd00::5',
        v4IpAddress: '10.0.0.5',
        v6IpAddress: 'fd00::5',
        macAddress: '02:00:00:00:00:05',
        podType: 'StatefulSet',
        attachIps: [],
        attachMacs: [],
        attachSubnets: [],
        containerID: '',
      },
    });
  });

  it('has no MAC where another plugin makes the interface (M6, M9)', () => {
    expect(newIp(ipamNic, holder)).toMatchObject({
      spec: { macAddress: '', ipAddress: '172.17.0.11', v6IpAddress: '' },
    });
  });

  it('has no label that Kubernetes would refuse', () => {
    const nodeName = `${'n'.repeat(70)}.example`;
    const { metadata } = newIp(ovnNic, { ...holder, nodeName }) as { metadata: { labels: object } };
    expect(metadata.labels).not.toHaveProperty(['ovn.kubernetes.io/node-name']);
    expect(metadata.labels).toHaveProperty(['ovn.kubernetes.io/subnet'], 'dual');
  });

  it('is left alone where it says so', () => {
    expect(ipPatch(created(ovnNic), ovnNic, holder)).toBeUndefined();
  });

  it('keeps the node that the daemon wrote before the controller knew it', () => {
    expect(ipPatch(created(ovnNic), ovnNic, { ...holder, nodeName: '' })).toBeUndefined();
  });

  it('learns its node', () => {
    const patch = ipPatch(created(ovnNic, { ...holder, nodeName: '' }), ovnNic, holder);
    expect(patch).toEqual({
      metadata: { labels: { 'ovn.kubernetes.io/node-name': 'node1' } },
      spec: { nodeName: 'node1' },
    });
  });

  it('swaps its label when it moves to another Subnet', () => {
    const moved = { ...ipamNic, subnet: dual, addresses: ovnNic.addresses };
    expect(ipPatch(created(ipamNic), moved, holder)).toEqual({
      metadata: { labels: { macvlan: null, dual: '', 'ovn.kubernetes.io/subnet': 'dual' } },
      spec: {
        subnet: 'dual',
        ipAddress: '10.0.0.5,fd00::5',
        v4IpAddress: '10.0.0.5',
        v6IpAddress: 'fd00::5',
      },
    });
  });

  it('gets a finalizer that it lacks, and keeps those of others', () => {
    const object = projectIp({
      ...(newIp(ovnNic, holder) as object),
      metadata: { name: ovnNic.port, resourceVersion: '9', finalizers: ['a/b'] },
    });
    expect(ipPatch(object, ovnNic, holder)).toMatchObject({
      metadata: { resourceVersion: '9', finalizers: ['a/b', FINALIZER] },
    });
  });
});

describe('a reservation', () => {
  const request = (spec: object, name = 'db-0.shop.net.shop.ovn', metadata = {}) =>
    projectIp(
      rawObject(name, {
        metadata,
        spec: { podName: 'db-0', namespace: 'shop', subnet: 'dual', ...spec },
      }),
    );

  it('is an IP object that a user made', () => {
    expect(isNew(request({}))).toBe(true);
    expect(isNew(created(ovnNic))).toBe(false);
    expect(isNew(request({}, 'x', { deletionTimestamp: '2026-01-01T00:00:00Z' }))).toBe(false);
  });

  it('asks for any addresses, or for certain ones', () => {
    const any = readReservation(request({}), dual);
    expect(any && rightOf(any)).toEqual({
      port: 'db-0.shop.net.shop.ovn',
      holder: { workload: 'db-0', namespace: 'shop', nodeName: '', podType: '' },
      subnet: dual,
      addresses: [],
    });
    const certain = readReservation(
      request({ v4IpAddress: '10.0.0.9', v6IpAddress: 'FD00::9', macAddress: '02:00:00:00:00:0A' }),
      dual,
    );
    expect(certain && rightOf(certain)).toMatchObject({
      addresses: [{ text: '10.0.0.9' }, { text: 'fd00::9' }],
      mac: '02:00:00:00:00:0a',
    });
  });

  it.each([
    ['no Subnet', { subnet: '' }, 'subnet parameter cannot be empty'],
    ['another kind of pod', { podType: 'Deployment' }, 'podType Deployment is not supported'],
    ['no address', { v4IpAddress: '10.0.0.0/24' }, 'failed to parse IP 10.0.0.0/24'],
    ['an address in the wrong place', { v4IpAddress: 'fd00::9' }, 'failed to parse IP fd00::9'],
    ['no MAC', { macAddress: 'ff:ff:ff:ff:ff:ff' }, 'ff:ff:ff:ff:ff:ff is not a valid macAddress'],
  ])('is refused with %s', (_, spec, message) => {
    const result = readReservation(request(spec), dual);
    expect(result && messagesOf(result)).toEqual([message]);
  });

  it('is refused without its Subnet', () => {
    const result = readReservation(request({}), undefined);
    expect(result && messagesOf(result)).toEqual(['failed to get subnet dual']);
  });

  it('is none where the name is not the NIC’s', () => {
    expect(readReservation(request({}, 'node-node1'), dual)).toBeUndefined();
    expect(readReservation(request({}, 'db-0.shop'), dual)).toBeUndefined();
  });

  it('is completed, and says that it is one', () => {
    const ip = request({});
    const port = ip.meta.name;
    const nic = { ...ovnNic, port };
    const patch = reservationPatch(ip, nic, { ...holder, workload: 'db-0', nodeName: '' });
    expect(patch).toMatchObject({
      metadata: {
        labels: { 'ovn.kubernetes.io/ip_reserved': 'true', dual: '' },
        finalizers: [FINALIZER],
      },
      spec: { ipAddress: '10.0.0.5,fd00::5', macAddress: '02:00:00:00:00:05' },
    });
  });

  it('stays one when its pod comes', () => {
    const labels = {
      'ovn.kubernetes.io/subnet': 'dual',
      'ovn.kubernetes.io/node-name': '',
      'ovn.kubernetes.io/ip_reserved': 'true',
      dual: '',
    };
    const raw = newIp(ovnNic, holder) as { metadata: object };
    const ip = projectIp({ ...raw, metadata: { ...raw.metadata, labels } });
    expect(isReserved(ip)).toBe(true);
    expect(ipPatch(ip, ovnNic, holder)).toEqual({
      metadata: { labels: { 'ovn.kubernetes.io/node-name': 'node1' } },
    });
  });
});

describe('an IP object that cannot be read', () => {
  it('has no addresses', () => {
    const texts = { v4IpAddress: 'fd00::1', v6IpAddress: '10.0.0.1' };
    for (const spec of [undefined, null, 'x', [], { v4IpAddress: 7 }, texts]) {
      expect(projectIp({ metadata: { name: 'x' }, spec }).addresses).toEqual([]);
    }
  });
});

describe('what is noted on an IP object for the pod that it was made for', () => {
  const KEY = 'ovn.kubernetes.io/allocation';
  const mine = { ...holder, uid: 'pod-1' };
  /** The object as the server has it. */
  const made = (annotations?: object) => {
    const raw = newIp(ovnNic, mine) as { metadata: object };
    return projectIp(annotations ? { ...raw, metadata: { ...raw.metadata, annotations } } : raw);
  };

  it('is read again', () => {
    const { record } = made();
    expect(record).toMatchObject({ uid: 'pod-1', addresses: made().spec.ipAddress });
    expect(ipPatch(made(), ovnNic, mine)).toBeUndefined();
  });

  it.each(['', 'x', '[]', '{"uid":7}', '{"addresses":"10.1.0.2"}'])(
    'is nothing where it says %j',
    (text) => {
      expect(made({ [KEY]: text }).record).toBeUndefined();
    },
  );

  it('is written for another pod of the name, and is no reason to write what Kube-OVN made', () => {
    const next = { ...holder, uid: 'pod-2' };
    const patch = ipPatch(made(), ovnNic, next) as { metadata: { annotations: object } };
    expect(Object.keys(patch)).toEqual(['metadata']);
    expect(String(Object.values(patch.metadata.annotations)[0])).toContain('pod-2');
    const bare = projectIp(newIp(ovnNic, holder));
    expect(ipPatch(bare, ovnNic, mine, true)).toBeUndefined();
    expect(ipPatch(bare, ovnNic, mine)).toBeDefined();
  });
});
