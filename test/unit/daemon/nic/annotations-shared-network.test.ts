import { describe, expect, it } from 'vitest';
import type { Nic } from '../../../../src/daemon/nic/annotations.ts';
import { attachmentOf, failureOf } from '../support.ts';
import { ATTACHED, missing, net1, nicOf, shown, under, WRITTEN } from './support.ts';

const LONGER = `${ATTACHED}.net1`;
const plain = under(ATTACHED, { ...WRITTEN, ip_address: '10.16.0.99' });
/** Per-NIC names, with a value, and where it shows. */
const PER_NIC: readonly [string, string, (nic: Nic) => unknown, unknown][] = [
  ['mac_address', '00:00:00:aa:aa:aa', (nic) => nic.mac, '00:00:00:aa:aa:aa'],
  ['gateway', '10.16.0.7', (nic) => nic.addresses[0]?.gateway?.text, '10.16.0.7'],
  ['cidr', '10.16.0.0/24', (nic) => nic.addresses[0]?.cidr.prefixLength, 24],
  ['logical_switch', 'longer', (nic) => nic.logicalSwitch, 'longer'],
  ['provider_network', 'longer', (nic) => nic.providerNetwork, 'longer'],
  ['virtualmachine', 'longer', (nic) => nic.workload, 'longer'],
];
/** Names that stay with the network. */
const PER_NETWORK: readonly [string, string, (nic: Nic) => unknown, unknown][] = [
  ['routes', '[{"gw":"10.16.0.3"}]', (nic) => nic.routes.length, 1],
  ['default_route', 'true', (nic) => nic.holdsDefaultRoute, true],
  ['activation_strategy', 'rarp', (nic) => nic.skipGatewayCheck, true],
];
const longer = (values: Record<string, string | undefined> = {}) =>
  under(LONGER, { ...WRITTEN, routed: undefined, ...values });

describe('several NICs of one network', () => {
  it('have each its own address and its name in the port name', () => {
    const nic = nicOf({ ...plain, ...longer() }, net1);
    expect(shown(nic)).toEqual(['10.16.0.15 in 10.16.0.0/16 via 10.16.0.1']);
    expect(nic.sharedNetworkIfName).toBe('net1');
    const net2 = attachmentOf({ ifName: 'net2', provider: ATTACHED });
    expect(nicOf({ ...plain, ...longer() }, net2)).not.toHaveProperty('sharedNetworkIfName');
  });

  it('are told by the key of the address, even where it is empty', () => {
    const macOnly = { ip_address: '', cidr: '', gateway: '' };
    const nic = nicOf({ ...plain, ...longer(macOnly) }, net1);
    expect(nic).toMatchObject({ addresses: [], sharedNetworkIfName: 'net1' });
  });

  it('are not told by any other key', () => {
    const nic = nicOf({ ...plain, ...longer({ ip_address: undefined }) }, net1);
    expect(shown(nic)).toEqual(['10.16.0.99 in 10.16.0.0/16 via 10.16.0.1']);
    expect(nic).not.toHaveProperty('sharedNetworkIfName');
  });

  it.each(PER_NIC)('have each its own %s', (name, value, read, expected) => {
    expect(read(nicOf({ ...plain, ...longer({ [name]: value }) }, net1))).toEqual(expected);
    const network = { ...plain, ...under(ATTACHED, { [name]: value }) };
    // Without the NIC's own value the network's does not step in.
    const own = longer({ cidr: '10.16.0.0/17', [name]: name === 'cidr' ? '10.16.0.0/17' : '' });
    expect(read(nicOf({ ...network, ...own }, net1))).not.toEqual(expected);
  });

  it.each(PER_NETWORK)('share %s', (name, value, read, expected) => {
    const shared = { ...plain, ...under(ATTACHED, { [name]: value }), ...longer() };
    expect(read(nicOf(shared, net1))).toEqual(expected);
    const own = { ...plain, ...longer({ [name]: value }) };
    expect(read(nicOf(own, net1))).not.toEqual(expected);
  });

  it('share the mark of routing', () => {
    const { [`${ATTACHED}.kubernetes.io/routed`]: _, ...unrouted } = {
      ...plain,
      ...under(ATTACHED, { default_route: 'true' }),
    };
    expect(missing({ ...unrouted, ...longer({ routed: 'true' }) }, net1)).toContain('/routed');
    const routed = under(ATTACHED, { routed: 'true' });
    expect(missing({ ...unrouted, ...longer(), ...routed }, net1)).toBeUndefined();
  });

  it('share the type, and are allocated one by one', () => {
    const type = under(LONGER, { pod_nic_type: 'internal-port' });
    expect(nicOf({ ...plain, ...longer(), ...type }, net1).mac).toBeDefined();
    const own = { ...plain, ...longer({ allocated: undefined, cidr: undefined }) };
    expect(missing(own, net1)).toContain(LONGER);
  });

  it('have their own key in an error', () => {
    const error = failureOf(() => nicOf({ ...plain, ...longer({ mac_address: 'x' }) }, net1));
    expect(error.message).toBe(`annotation ${LONGER}.kubernetes.io/mac_address is wrong: "x"`);
  });
});
