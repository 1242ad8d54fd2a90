import { describe, expect, it } from 'vitest';
import { projectProviderNetwork } from '../../../../../src/common/provider-network.ts';
import type { KernelLink } from '../../../../../src/daemon/node/provider/kernel.ts';
import {
  createVlanLines,
  deleteVlanLines,
  findVlanInterfaces,
  restoreVlanLines,
  splitVlanName,
  surplusVlans,
  trunksOf,
  vlanPortName,
} from '../../../../../src/daemon/node/provider/vlan-interfaces.ts';

function link(name: string, more: Partial<KernelLink> = {}): KernelLink {
  const plain = {
    ifindex: 1,
    mtu: 1500,
    mac: '',
    isUp: true,
    alias: '',
    kind: '',
    addresses: [],
    isEthernet: true,
  };
  return { name, ...plain, ...more };
}

function vlan(name: string, parent: string, vlanId: number, alias = ''): KernelLink {
  return link(name, { kind: 'vlan', parent, vlanId, alias });
}

const linksOf = (...links: KernelLink[]) => new Map(links.map((each) => [each.name, each]));
const ETH0 = link('eth0');

describe('the VLANs of the port of a card', () => {
  it('are those of Vlans and VLAN interfaces, and frames without a tag always', () => {
    const vlans = [
      { name: 'a', id: 100, provider: 'net1' },
      { name: 'b', id: 0, provider: 'net1' },
      { name: 'c', id: 7, provider: 'other' },
      { name: 'd', id: 20, provider: 'net1' },
    ];
    const interfaces = [{ name: 'eth0.10', id: 10, port: 'p' }];
    expect(trunksOf('net1', vlans, interfaces)).toEqual([0, 10, 20, 100]);
    expect(trunksOf('net1', [], [])).toEqual([0]);
  });
});

describe('the name of a VLAN interface', () => {
  it.each([
    ['eth0.10', { parent: 'eth0', id: 10 }],
    ['eth0.4095', { parent: 'eth0', id: 4095 }],
    ['eth0.0', undefined],
    ['eth0.4096', undefined],
    ['eth0', undefined],
    // Kube-OVN refuses those with two points, too.
    ['eth0.10.20', undefined],
    ['eth0.x', undefined],
  ])('%s', (name, expected) => {
    expect(splitVlanName(name)).toEqual(expected);
  });
});

describe('the port of a VLAN interface', () => {
  it('is named after bridge and id, and where that is too long after the hash of the bridge', () => {
    expect(vlanPortName('br-net1', 10)).toBe('br-net1-vlan10');
    expect(vlanPortName('br-net', 4000)).toBe('br-net-vlan4000');
    const long = vlanPortName('br-provider', 4000);
    expect(long).toMatch(/^kv4000-[a-z2-7]{8}$/);
    expect(vlanPortName('br-another1', 4000)).not.toBe(long);
  });
});

describe('VLAN interfaces that keep their addresses', () => {
  const find = (
    spec: object,
    links: readonly KernelLink[],
    held: { name: string; id: number; port: string }[] = [],
  ) => {
    const network = projectProviderNetwork({ metadata: { name: 'net1' }, spec });
    const bridge = 'br-net1';
    return findVlanInterfaces(network, { card: 'eth0', bridge, links: linksOf(...links), held });
  };

  it('are those that are listed and there', () => {
    const links = [ETH0, vlan('eth0.10', 'eth0', 10), vlan('eth0.20', 'eth0', 20)];
    expect(find({ vlanInterfaces: ['eth0.10', 'eth0.30'] }, links)).toEqual({
      interfaces: [{ name: 'eth0.10', id: 10, port: 'br-net1-vlan10' }],
      missing: ['eth0.30'],
    });
  });

  it('are with preserveVlanInterfaces all of the card, and none of another one', () => {
    const links = [ETH0, vlan('eth0.20', 'eth0', 20), vlan('eth1.10', 'eth1', 10)];
    const { interfaces } = find({ preserveVlanInterfaces: true }, links);
    expect(interfaces.map(({ name }) => name)).toEqual(['eth0.20']);
  });

  it('are also those whose addresses the bridge has, and that the kernel has no more', () => {
    const held = [{ name: 'eth0.10', id: 10, port: 'br-net1-vlan10' }];
    expect(find({ vlanInterfaces: ['eth0.10'] }, [ETH0], held)).toEqual({
      interfaces: held,
      missing: [],
    });
    expect(find({ preserveVlanInterfaces: true }, [ETH0], held).interfaces).toEqual(held);
    expect(find({}, [ETH0], held).interfaces).toEqual([]);
  });

  it('have an id of the kernel, whatever their names', () => {
    const found = find({ vlanInterfaces: ['storage'] }, [ETH0, vlan('storage', 'eth0', 30)]);
    expect(found.interfaces).toEqual([{ name: 'storage', id: 30, port: 'br-net1-vlan30' }]);
  });

  it('are refused where two have one id, or one is no VLAN interface of the card', () => {
    const links = [ETH0, vlan('eth0.10', 'eth0', 10), vlan('storage', 'eth0', 10), link('eth1')];
    expect(() => find({ vlanInterfaces: ['eth0.10', 'storage'] }, links)).toThrow(
      'eth0.10 and storage are both for VLAN 10',
    );
    expect(() => find({ vlanInterfaces: ['eth1'] }, links)).toThrow(
      'spec.vlanInterfaces has "eth1", which is no VLAN interface of eth0',
    );
  });
});

describe('a VLAN interface that is a card itself', () => {
  it('is made on the interface before the point, with a mark', () => {
    expect(createVlanLines('net1', 'eth0.10', linksOf(ETH0))).toEqual([
      'link add link eth0 name eth0.10 type vlan id 10',
      'link set dev eth0.10 alias kube-ovn:net1 up',
    ]);
  });

  it('is not made where it is there, or where the name has no point', () => {
    const links = linksOf(ETH0, vlan('eth0.10', 'eth0', 10));
    expect(createVlanLines('net1', 'eth0.10', links)).toEqual([]);
    expect(createVlanLines('net1', 'eth9', links)).toEqual([]);
  });

  it('is refused where the interface before the point is missing, or the name has two', () => {
    expect(() => createVlanLines('net1', 'eth9.10', linksOf(ETH0))).toThrow('no interface eth9');
    expect(() => createVlanLines('net1', 'eth0.1.2', linksOf(ETH0))).toThrow(
      'name it like eth0.10',
    );
  });

  it('is deleted when nobody wants it any more, and only with the mark', () => {
    const links = linksOf(
      ETH0,
      vlan('eth0.10', 'eth0', 10, 'kube-ovn:net1'),
      vlan('eth0.20', 'eth0', 20, 'kube-ovn:net1'),
      vlan('eth0.30', 'eth0', 30, 'kube-ovn:net2'),
      vlan('eth0.40', 'eth0', 40),
      link('odd', { alias: 'kube-ovn:net1' }),
    );
    expect(surplusVlans('net1', links, ['eth0.20'])).toEqual(['eth0.10']);
  });
});

describe('a VLAN interface whose addresses are on the bridge', () => {
  const wanted = { name: 'eth0.10', id: 10, card: 'eth0', port: 'br-net1-vlan10' };

  it('is deleted as what it is, and nothing else that has its name', () => {
    const there = linksOf(ETH0, vlan('eth0.10', 'eth0', 10));
    expect(deleteVlanLines([wanted], there)).toEqual(['link delete dev eth0.10']);
    expect(deleteVlanLines([wanted], linksOf(ETH0))).toEqual([]);
    expect(deleteVlanLines([wanted], linksOf(ETH0, vlan('eth0.10', 'eth1', 10)))).toEqual([]);
  });

  it('is made again for its addresses, where its card is there', () => {
    expect(restoreVlanLines(wanted, linksOf(ETH0))).toEqual([
      'link add link eth0 name eth0.10 type vlan id 10',
      'link set dev eth0.10 up',
    ]);
    expect(restoreVlanLines(wanted, linksOf(ETH0, vlan('eth0.10', 'eth0', 10)))).toEqual([]);
    expect(restoreVlanLines(wanted, linksOf())).toEqual([]);
  });

  it('has the MTU of its port, where that is smaller than that of its card', () => {
    const port = (mtu: number) => link('br-net1-vlan10', { kind: 'openvswitch', mtu });
    const [made] = restoreVlanLines(wanted, linksOf(ETH0, port(1400)));
    expect(made).toBe('link add link eth0 name eth0.10 mtu 1400 type vlan id 10');
    for (const mtu of [1500, 9000]) {
      const [same] = restoreVlanLines(wanted, linksOf(ETH0, port(mtu)));
      expect(same).toBe('link add link eth0 name eth0.10 type vlan id 10');
    }
  });

  it('is not made where another interface has its name', () => {
    const links = linksOf(ETH0, vlan('eth0.10', 'eth0', 11));
    expect(() => restoreVlanLines(wanted, links)).toThrow('cannot go back to eth0.10');
  });
});
