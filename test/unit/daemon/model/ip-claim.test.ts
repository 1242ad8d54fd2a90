import { describe, expect, it } from 'vitest';
import { parseAddress } from '../../../../src/common/address.ts';
import { projectIp } from '../../../../src/daemon/model/ip.ts';
import { disagreement, type IpClaim } from '../../../../src/daemon/model/ip-claim.ts';

const MAC = '00:00:00:53:6b:b6';
const VM = { name: 'vm-1', uid: 'uid-vm' };

/** The IP object of pod shop/web-0 on an OVN network, as Kube-OVN's controller writes it. */
const ipOf = (spec: object = {}, metadata: object = {}) =>
  projectIp({
    metadata: { name: 'web-0.shop.attachnet.default.ovn', ...metadata },
    spec: {
      podName: 'web-0',
      namespace: 'shop',
      subnet: 'attachnet',
      ipAddress: '10.1.0.5,FD00:0::5',
      v4IpAddress: '10.1.0.5',
      v6IpAddress: 'FD00:0::5',
      macAddress: MAC.toUpperCase(),
      podType: '',
      ...spec,
    },
  });

function claimOf(changes: {
  addresses?: readonly string[];
  mac?: string;
  logicalSwitch?: string;
  workload?: string;
  name?: string;
  virtualMachine?: typeof VM;
}): IpClaim {
  const { addresses = ['10.1.0.5', 'fd00::5'], name = 'web-0', virtualMachine, ...nic } = changes;
  return {
    pod: { name, namespace: 'shop', ...(virtualMachine && { virtualMachine }) },
    nic: {
      addresses: addresses.flatMap((text) => {
        const address = parseAddress(text);
        const cidr = { family: 'IPv4', network: '0.0.0.0', prefixLength: 0 } as const;
        return address === undefined ? [] : [{ address, cidr }];
      }),
      workload: name,
      ...nic,
    },
  };
}

describe('a MAC address that another plugin was told to give the interface', () => {
  const noted = (mac: unknown, note = JSON.stringify({ uid: 'uid', addresses: '', mac })) =>
    ipOf({ macAddress: '' }, { annotations: { 'ovn.kubernetes.io/allocation': note } });
  const told = (...interfaceMacs: string[]) => ({ ...claimOf({}), interfaceMacs });

  it.each(['00:00:00:53:6B:B6', '00-00-00-53-6b-b6', '0000.0053.6bb6'])(
    "is the NIC's: %s",
    (mac) => {
      expect(disagreement(noted(MAC), told(mac))).toBeUndefined();
      expect(disagreement(ipOf(), told(mac))).toBeUndefined();
    },
  );

  it("is the NIC's in every place", () => {
    expect(disagreement(noted(MAC), told(MAC, '00:00:00:53:6b:b7'))).toContain('says MAC address');
    expect(disagreement(ipOf(), told('00:00:00:53:6b:b7'))).toContain('says MAC address');
  });

  it('is none where the NIC was given none', () => {
    expect(disagreement(noted(''), told(MAC))).toContain('notes no MAC address');
    expect(disagreement(noted(''), told())).toBeUndefined();
  });

  it.each([
    ['there is no note', ipOf({ macAddress: '' })],
    ['it cannot be read', noted('', '{')],
    ['it is of another form', noted('', 'null')],
    ['its MAC address is no text', noted(5)],
  ])('may be any where %s', (_, ip) => {
    expect(disagreement(ip, told(MAC))).toBeUndefined();
  });
});

describe('annotations are confirmed by an IP object', () => {
  it.each([
    ['that says the same', {}],
    ['that says the MAC address, too', { mac: MAC }],
    ['that says the Subnet, too', { logicalSwitch: 'attachnet' }],
    ['that says more', { addresses: ['fd00::5'] }],
  ])('%s', (_, claim) => {
    expect(disagreement(ipOf(), claimOf(claim))).toBeUndefined();
  });

  it.each([
    ['the MAC address of a NIC that another plugin makes', { macAddress: '' }, { mac: MAC }],
    ['the Subnet', { subnet: '' }, { logicalSwitch: 'attachnet' }],
    ['one field for each family', { ipAddress: '' }, {}],
    ['both families in one field', { v4IpAddress: undefined, v6IpAddress: undefined }, {}],
  ])('that may leave out or have only %s', (_, spec, claim) => {
    expect(disagreement(ipOf(spec), claimOf(claim))).toBeUndefined();
  });

  it("of a virtual machine, where the pod is that machine's launcher", () => {
    const machine = ipOf({ podName: 'vm-1', podType: 'VirtualMachine' });
    const launcher = { name: 'virt-launcher-vm-1-x', workload: 'vm-1', virtualMachine: VM };
    expect(disagreement(machine, claimOf(launcher))).toBeUndefined();
  });
});

it("of a virtual machine confirm its launcher's annotations, where it is named by the launcher", () => {
  const name = 'virt-launcher-vm-1-x7b2k';
  const machine = ipOf({ podName: name, podType: 'VirtualMachine' });
  expect(disagreement(machine, claimOf({ name, virtualMachine: VM }))).toBeUndefined();
  const other = { ...VM, name: 'vm-2' };
  expect(disagreement(machine, claimOf({ name, virtualMachine: other }))).toContain('no launcher');
});

describe('annotations are not confirmed by an IP object', () => {
  it.each([
    ['of another pod', {}, { name: 'web-1' }, 'belongs to shop/web-0'],
    ['of another namespace', { namespace: 'prod' }, {}, 'belongs to prod/web-0'],
    [
      'with another address',
      {},
      { addresses: ['10.1.0.6'] },
      'says 10.1.0.5,fd00::5, not 10.1.0.6',
    ],
    ['with one address of two', { ipAddress: '10.1.0.5', v6IpAddress: '' }, {}, 'not fd00::5'],
    ['without addresses', { ipAddress: '', v4IpAddress: 'x', v6IpAddress: '' }, {}, 'no address'],
    ['with another MAC address', {}, { mac: '00:00:00:53:6b:b7' }, `MAC address ${MAC}`],
    ['of another Subnet', {}, { logicalSwitch: 'prod' }, 'is of Subnet attachnet, not prod'],
    [
      'of a virtual machine that the pod only names',
      { podName: 'vm-1', podType: 'VirtualMachine' },
      { workload: 'vm-1' },
      'no owner reference',
    ],
    [
      'of a virtual machine that has the name of the pod',
      { podType: 'VirtualMachine' },
      {},
      'no owner reference',
    ],
    [
      'of another virtual machine than the pod runs',
      { podName: 'vm-2', podType: 'VirtualMachine' },
      { workload: 'vm-2', virtualMachine: VM },
      'no owner reference',
    ],
    [
      'of a pod that has the name of the virtual machine',
      { podName: 'vm-1' },
      { workload: 'vm-1', virtualMachine: VM },
      'is no virtual machine',
    ],
  ])('%s', (_, spec, claim, why) => {
    expect(disagreement(ipOf(spec), claimOf(claim))).toContain(why);
  });

  it('that is being deleted', () => {
    const ip = ipOf({}, { deletionTimestamp: '2026-01-01T00:00:00Z' });
    expect(disagreement(ip, claimOf({}))).toContain('is being deleted');
  });
});

it('an IP object with whatever in its fields says nothing, and is no failure', () => {
  const ip = projectIp({ metadata: { name: 'a' }, spec: { podName: 7, ipAddress: ['x'] } });
  expect(ip).toMatchObject({ podName: '', namespace: '', addresses: [], isVirtualMachine: false });
  expect(projectIp({ metadata: { name: 'a' } }).addresses).toEqual([]);
});
