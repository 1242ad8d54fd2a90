import { describe, expect, it } from 'vitest';
import type { Nic } from '../../../../src/daemon/model/nic.ts';
import { ATTACHED, missing, net1, nicOf, shown, under, WRITTEN } from '../nic/support.ts';
import { attachmentOf, failureOf } from '../support.ts';

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

  it.each(PER_NETWORK)('share %s, unless one has its own', (name, value, read, expected) => {
    const shared = { ...plain, ...under(ATTACHED, { [name]: value }), ...longer() };
    if (name !== 'default_route') expect(read(nicOf(shared, net1))).toEqual(expected);
    const own = { ...plain, ...longer({ [name]: value }) };
    const routed = under(LONGER, { routed: 'true' });
    expect(read(nicOf({ ...own, ...routed }, net1))).toEqual(expected);
  });

  it('have their own routes instead of those of the network', () => {
    const routes = [
      under(ATTACHED, { routes: '[{"dst":"10.1.0.0/16","gw":"10.16.0.3"}]' }),
      longer({ routes: '[{"dst":"10.2.0.0/16","gw":"10.16.0.4"}]' }),
    ];
    const nic = nicOf(Object.assign({ ...plain }, ...routes), net1);
    expect(nic.routes.map(({ destination }) => destination.network)).toEqual(['10.2.0.0']);
  });

  it('are not made where either key asks for another type', () => {
    const type = { pod_nic_type: 'internal-port' };
    for (const key of [under(LONGER, type), under(ATTACHED, type)]) {
      const error = failureOf(() => nicOf({ ...plain, ...longer(), ...key }, net1));
      expect(error.message).toContain('internal-port');
    }
  });

  it('are allocated one by one', () => {
    const own = { ...plain, ...longer({ allocated: undefined, cidr: undefined }) };
    expect(missing(own, net1)).toContain(LONGER);
  });

  it('have their own key in an error', () => {
    const error = failureOf(() => nicOf({ ...plain, ...longer({ mac_address: 'x' }) }, net1));
    expect(error.message).toBe(`annotation ${LONGER}.kubernetes.io/mac_address is wrong: "x"`);
  });
});

describe('the default route of a pod with several NICs of one network', () => {
  const names = ['net10', 'net2', 'net3'];
  /** Who has it, with these values of `default_route`: the network's, and those of NICs. */
  const holders = (network: string | undefined, own: Record<string, string> = {}) => {
    const annotations = Object.assign(
      under(ATTACHED, { default_route: network }),
      ...names.map((name) =>
        under(`${ATTACHED}.${name}`, { ...WRITTEN, default_route: own[name] }),
      ),
    );
    return names.filter((ifName) => {
      const attachment = attachmentOf({ ifName, provider: ATTACHED });
      return nicOf(annotations, attachment).holdsDefaultRoute;
    });
  };

  it('is on none where nothing says it', () => {
    expect(holders(undefined)).toEqual([]);
    expect(holders('false')).toEqual([]);
    expect(holders('yes')).toEqual([]);
  });

  it('is on the first by name where the network says it', () => {
    expect(holders('true')).toEqual(['net2']);
  });

  it('is on the one whose own key says it, whatever the network says', () => {
    for (const network of [undefined, 'true', 'false']) {
      expect(holders(network, { net3: 'true' })).toEqual(['net3']);
    }
  });

  it('is not on one whose own key refuses it', () => {
    expect(holders('true', { net2: 'false' })).toEqual(['net3']);
    expect(holders('true', { net2: 'false', net3: 'false', net10: 'false' })).toEqual([]);
  });

  it('waits for routing, which may be said of the NIC or of the network', () => {
    const own = (routed: string | undefined) => longer({ default_route: 'true', routed });
    expect(missing(own(undefined), net1)).toContain(`${LONGER}.kubernetes.io/routed`);
    expect(missing(own('true'), net1)).toBeUndefined();
    const network = under(ATTACHED, { routed: 'true' });
    expect(missing({ ...own(undefined), ...network }, net1)).toBeUndefined();
  });
});
