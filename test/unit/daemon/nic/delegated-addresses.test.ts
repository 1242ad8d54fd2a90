import { describe, expect, it } from 'vitest';
import { parseAddress, parseCidr } from '../../../../src/common/address.ts';
import { projectIp } from '../../../../src/daemon/model/ip.ts';
import { projectSubnet, type Subnet } from '../../../../src/daemon/model/subnet.ts';
import type { Allocation } from '../../../../src/daemon/nic/allocation.ts';
import { delegatedAddresses } from '../../../../src/daemon/nic/delegated-addresses.ts';

const subnetOf = (name: string, cidrBlock: string, gateway: string) =>
  projectSubnet({ metadata: { name }, spec: { provider: 'm.default', cidrBlock, gateway } });
const ONE = subnetOf('one', '10.1.0.0/16,fd00:1::/64', '10.1.0.1,fd00:1::1');
const TWO = subnetOf('two', '10.2.0.0/16', '');
const subnets = new Map([ONE, TWO].map((subnet) => [subnet.name, subnet]));

/** Addresses with whatever network and gateway their annotations say. */
function allocationOf(subnet: Subnet | undefined, ...texts: readonly string[]): Allocation {
  const addresses = texts.flatMap((text) => {
    const [address, cidr] = [parseAddress(text), parseCidr('0.0.0.0/0')];
    return address && cidr ? [{ address, cidr, gateway: address }] : [];
  });
  return { nic: { addresses }, subnet } as unknown as Allocation;
}
const ipOf = (subnet: string) => ({
  ip: projectIp({ metadata: { name: 'ip' }, spec: { subnet } }),
});

describe('addresses for another plugin', () => {
  it('have network and gateway of the Subnet that the IP object names', () => {
    const found = delegatedAddresses(
      allocationOf(TWO, 'fd00:1::5', '10.1.0.5'),
      ipOf('one'),
      subnets,
    );
    expect(found).toEqual([
      { address: parseAddress('fd00:1::5'), cidr: ONE.cidrs[1], gateway: ONE.gateways[1] },
      { address: parseAddress('10.1.0.5'), cidr: ONE.cidrs[0], gateway: ONE.gateways[0] },
    ]);
  });

  it("have those of the network's Subnet where the object names none that is there", () => {
    for (const name of ['', 'three']) {
      const [found] = delegatedAddresses(allocationOf(TWO, '10.2.0.5'), ipOf(name), subnets);
      expect(found).toEqual({ address: parseAddress('10.2.0.5'), cidr: TWO.cidrs[0] });
    }
  });

  it('are refused outside of it, and without one', () => {
    const outside = () => delegatedAddresses(allocationOf(ONE, '10.2.0.5'), ipOf('one'), subnets);
    expect(outside).toThrow('the allocated address is wrong: "10.2.0.5"');
    const none = () => delegatedAddresses(allocationOf(undefined, '10.2.0.5'), ipOf('x'), subnets);
    expect(none).toThrow('names no Subnet that exists');
  });

  it('may be none', () => {
    expect(delegatedAddresses(allocationOf(undefined), { ip: undefined }, subnets)).toEqual([]);
  });
});
