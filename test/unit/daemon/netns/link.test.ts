import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseAddress, parseCidr } from '../../../../src/common/address.ts';
import { parseRoutes } from '../../../../src/daemon/model/route.ts';
import {
  addressLines,
  applyInPod,
  type InterfacePlan,
  linkUpLine,
} from '../../../../src/daemon/netns/link.ts';
import { vethLines } from '../../../../src/daemon/nic/kinds/veth.ts';
import { nicWith, V4, V6 } from '../nic/support.ts';
import { NETNS } from '../support.ts';

const dual = {
  ip_address: `${V4.ip_address},${V6.ip_address}`,
  cidr: `${V4.cidr},${V6.cidr}`,
  gateway: `${V4.gateway},${V6.gateway}`,
};

function planOf(changes: Partial<InterfacePlan> = {}): InterfacePlan {
  return {
    ifName: 'eth0',
    netns: NETNS,
    alias: 'c0ffee012345_c',
    addresses: nicWith(dual).addresses,
    routes: [],
    skipDuplicateDetection: true,
    ...changes,
  };
}

describe('the lines of ip(8) for the end in the pod', () => {
  it('set it up with its alias', () => {
    expect(linkUpLine(planOf(), 'link-local')).toBe('link set dev eth0 alias c0ffee012345_c up');
  });

  it('keep it from a link-local address where it has no IPv6', () => {
    // A machine without IPv6 has no such mode.
    const mode = existsSync('/proc/sys/net/ipv6') ? ' addrgenmode none' : '';
    expect(linkUpLine(planOf(), 'no-link-local')).toBe(
      `link set dev eth0${mode} alias c0ffee012345_c up`,
    );
  });

  it("have the addresses with the Subnet's prefix length", () => {
    expect(addressLines(planOf())).toEqual([
      'address add 10.16.0.15/16 broadcast + dev eth0',
      'address add fd00:10:16::f/112 dev eth0 nodad',
    ]);
  });

  it.each([
    ['10.16.0.4/30', '10.16.0.5', ' broadcast +'],
    ['10.16.0.4/31', '10.16.0.5', ''],
    ['10.16.0.5/32', '10.16.0.5', ''],
  ])('of network %s have a broadcast address where there is one', (network, text, broadcast) => {
    const [cidr, address] = [parseCidr(network), parseAddress(text)];
    if (cidr === undefined || address === undefined) throw new Error(network);
    const length = network.split('/')[1];
    expect(addressLines(planOf({ addresses: [{ address, cidr }] }))).toEqual([
      `address add 10.16.0.5/${length}${broadcast} dev eth0`,
    ]);
  });

  it('let the kernel look for duplicates of an IPv6 address on an underlay network', () => {
    expect(addressLines(planOf({ skipDuplicateDetection: false }))).toEqual([
      'address add 10.16.0.15/16 broadcast + dev eth0',
      'address add fd00:10:16::f/112 dev eth0',
    ]);
  });

  it('have the routes after the addresses, in their order', () => {
    const routes = parseRoutes(
      [
        { gw: '10.16.0.1' },
        { gw: 'fd00:10:16::1' },
        { dst: '10.1.2.3/16', gw: '10.16.0.9' },
        { dst: 'fd01::/64' },
      ],
      'routes',
    );
    expect(addressLines(planOf({ ifName: 'net1', routes })).slice(2)).toEqual([
      'route replace 0.0.0.0/0 via 10.16.0.1 dev net1',
      'route replace ::/0 via fd00:10:16::1 dev net1',
      'route replace 10.1.0.0/16 via 10.16.0.9 dev net1',
      'route replace fd01::/64 dev net1',
    ]);
  });

  it('are none for a NIC with only a MAC', async () => {
    const none = addressLines(planOf({ addresses: [] }));
    expect(none).toEqual([]);
    // No tool is run: this namespace does not exist.
    await applyInPod('/nosuch', none);
  });
});

describe('the lines of ip(8) for a veth pair', () => {
  const veth = {
    hostInterface: 'c0ffee012345_h',
    ifName: 'eth0',
    netns: NETNS,
    mtu: 1400,
    mac: '00:00:00:53:6b:b6',
    mark: 'kube-ovn/c0ffee/eth0/ovn/net',
    needsChecksums: false,
  };
  const mode = existsSync('/proc/sys/net/ipv6') ? ' addrgenmode none' : '';

  it('make both ends in their places, and set the one on the node up', () => {
    expect(vethLines(veth)).toEqual([
      `link add c0ffee012345_h mtu 1400 txqueuelen 1000 type veth peer name eth0 netns ${NETNS} address 00:00:00:53:6b:b6 mtu 1400`,
      `link set c0ffee012345_h${mode} alias kube-ovn/c0ffee/eth0/ovn/net up`,
    ]);
  });

  it('leave to the kernel what is not said', () => {
    const { mac: _, ...others } = veth;
    expect(vethLines({ ...others, mtu: 0, mark: '' })).toEqual([
      `link add c0ffee012345_h txqueuelen 1000 type veth peer name eth0 netns ${NETNS}`,
      `link set c0ffee012345_h${mode} up`,
    ]);
  });
});
