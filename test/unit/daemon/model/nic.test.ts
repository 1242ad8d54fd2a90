import { describe, expect, it } from 'vitest';
import { namesSubnet, readNic } from '../../../../src/daemon/model/nic.ts';
import { toWireRoute } from '../../../../src/daemon/model/route.ts';
import { CniCode } from '../../../../src/wire/cni.ts';
import {
  ATTACHED,
  missing,
  net1,
  nicOf,
  nicWith,
  primary,
  shown,
  under,
  V4,
  V6,
  WRITTEN,
} from '../nic/support.ts';
import { attachmentOf, expectReadable, failureOf, HOSTILE_TEXTS } from '../support.ts';

describe('the NIC of the primary network', () => {
  it('is read under the provider ovn', () => {
    expect(nicOf(under('ovn', WRITTEN))).toEqual({
      addresses: [
        {
          address: { family: 'IPv4', text: '10.16.0.15' },
          cidr: { family: 'IPv4', network: '10.16.0.0', prefixLength: 16 },
          gateway: { family: 'IPv4', text: '10.16.0.1' },
        },
      ],
      mac: '00:00:00:53:6b:b6',
      logicalSwitch: 'ovn-default',
      holdsDefaultRoute: true,
      routes: [],
      providerNetwork: '',
      workload: 'web-0',
      migrating: false,
      skipGatewayCheck: false,
      nicTypes: [],
    });
  });

  it('is not touched by the annotations of other networks', () => {
    const others = {
      ...under(ATTACHED, { ...WRITTEN, ...V6, mac_address: '00:00:00:00:00:01' }),
      ...under('xovn', { ip_address: '1.2.3.4' }),
      'ovn.kubernetes.io/': 'x',
      'kubernetes.io/ip_address': 'x',
      ip_address: 'x',
    };
    expect(nicOf({ ...others, ...under('ovn', WRITTEN) })).toEqual(nicOf(under('ovn', WRITTEN)));
  });
});

describe('the NIC of any network', () => {
  it('has the MAC in lower case', () => {
    expect(nicWith({ mac_address: '00:00:00:53:6B:B6' }).mac).toBe('00:00:00:53:6b:b6');
  });

  it('has provider network, workload and marks where they are written', () => {
    const nic = nicOf({
      ...under('ovn', {
        ...WRITTEN,
        provider_network: 'net1',
        virtualmachine: 'vm-1',
        activation_strategy: 'rarp',
      }),
      'kubevirt.io/migrationJobName': 'job',
    });
    expect(nic).toMatchObject({
      providerNetwork: 'net1',
      workload: 'vm-1',
      migrating: true,
      skipGatewayCheck: true,
    });
  });

  it.each(['', 'veth-pair'])('may be of type %j', (pod_nic_type) => {
    expect(nicWith({ pod_nic_type }).mac).toBeDefined();
  });

  it('of another type is refused with code 2', () => {
    for (const type of ['internal-port', 'offload-port', 'dpdk-port', ...HOSTILE_TEXTS]) {
      const error = failureOf(() => nicWith({ pod_nic_type: type }));
      expect(error.code).toBe(CniCode.unsupportedField);
      expect(error.message).toContain('ovn.kubernetes.io/pod_nic_type');
      expectReadable(error);
    }
  });
});

it('of another type is none of our business where another plugin makes the interface', () => {
  const macvlan = attachmentOf({ provider: 'macvlan.default', ipamOnly: true, ifName: 'net1' });
  const annotations = under('macvlan.default', { ...WRITTEN, pod_nic_type: 'internal-port' });
  expect(shown(nicOf(annotations, macvlan))).toEqual(['10.16.0.15 in 10.16.0.0/16 via 10.16.0.1']);
});

describe('what is not written yet', () => {
  it.each([
    ['nothing at all', {}],
    ['only a request for an address', { ip_address: '10.16.0.15' }],
    ['an allocation that is not true', { allocated: 'false' }],
    ['an allocation of other spelling', { allocated: 'True' }],
  ])('is waited for: %s', (_, values) => {
    const what = missing(under('ovn', values));
    expect(what).toContain('ovn.kubernetes.io/ip_address');
    const elsewhere = missing(under(ATTACHED, values), net1);
    expect(elsewhere).toContain(`${ATTACHED}.kubernetes.io/ip_address`);
  });

  it('is not what another network has', () => {
    expect(missing(under('ovn', WRITTEN), net1)).toContain(ATTACHED);
    expect(missing(under(ATTACHED, WRITTEN))).toContain('network ovn');
  });

  it('of one of several NICs is named with its interface', () => {
    const annotations = under(`${ATTACHED}.net1`, { ip_address: '' });
    expect(missing(annotations, net1)).toContain(`${ATTACHED}.net1.kubernetes.io/ip_address`);
  });

  it('says where to look', () => {
    const nic = readNic({}, primary);
    expect('missing' in nic && nic.missing.lookAt).toMatch(/shop\/web-0.*kube-ovn-controller/);
  });

  it.each(['', 'false', 'True', undefined])(
    'is waited for: routing of the NIC with the default route (routed is %j)',
    (routed) => {
      expect(missing(under('ovn', { ...WRITTEN, routed }))).toContain('ovn.kubernetes.io/routed');
      const attached = under(ATTACHED, { ...WRITTEN, default_route: 'true', routed });
      expect(missing(attached, net1)).toContain(`${ATTACHED}.kubernetes.io/routed`);
    },
  );

  it('does not include routing where the NIC does not hold the default route', () => {
    expect(missing(under(ATTACHED, { ...WRITTEN, routed: undefined }), net1)).toBeUndefined();
    const elsewhere = { ...WRITTEN, routed: undefined, default_route: 'false' };
    expect(missing(under('ovn', elsewhere))).toBeUndefined();
  });

  it('does not include routing where OVN does not route', () => {
    const macvlan = attachmentOf({ provider: 'macvlan.default', ipamOnly: true });
    const annotations = under('macvlan.default', { ...WRITTEN, routed: undefined });
    expect(nicOf(annotations, macvlan).holdsDefaultRoute).toBe(true);
  });
});

describe('the addresses of a NIC', () => {
  const SHOWN_V4 = '10.16.0.15 in 10.16.0.0/16 via 10.16.0.1';
  const SHOWN_V6 = 'fd00:10:16::f in fd00:10:16::/112 via fd00:10:16::1';
  const joined = (name: keyof typeof V4, isV6First: boolean) =>
    (isV6First ? [V6[name], V4[name]] : [V4[name], V6[name]]).join(',');

  it.each(
    [0, 1, 2, 3, 4, 5, 6, 7].map((mask) => ({
      address: (mask & 1) > 0,
      cidr: (mask & 2) > 0,
      gateway: (mask & 4) > 0,
    })),
  )('pair with their family in either order: IPv6 first in %j', (isV6First) => {
    const nic = nicWith({
      ip_address: joined('ip_address', isV6First.address),
      cidr: joined('cidr', isV6First.cidr),
      gateway: joined('gateway', isV6First.gateway),
    });
    expect(shown(nic).toSorted()).toEqual([SHOWN_V4, SHOWN_V6]);
  });

  it.each([
    [V4.ip_address, SHOWN_V4],
    [V6.ip_address, SHOWN_V6],
  ])('%s is the only one of a NIC with one family in a dual-stack Subnet', (ip_address, only) => {
    const nic = nicWith({
      ip_address,
      cidr: joined('cidr', false),
      gateway: joined('gateway', false),
    });
    expect(shown(nic)).toEqual([only]);
  });

  it('are written canonically', () => {
    const nic = nicWith({ ...V6, ip_address: 'FD00:10:16:0::000F', cidr: 'fd00:10:16::9/112' });
    expect(shown(nic)).toEqual([SHOWN_V6]);
  });

  it.each(['10.16.0.15/16', '10.16.0.15/32', '10.16.0.15/0'])(
    'with a mask mean the address: %s',
    (ip_address) => {
      expect(shown(nicWith({ ip_address }))).toEqual([SHOWN_V4]);
    },
  );

  it('may have a mask in both families', () => {
    const ip_address = `${V4.ip_address}/24,${V6.ip_address}/64`;
    const both = { ip_address, cidr: joined('cidr', true), gateway: joined('gateway', true) };
    expect(shown(nicWith(both))).toEqual([SHOWN_V4, SHOWN_V6]);
  });

  it('may be without a gateway', () => {
    expect(shown(nicWith({ gateway: '' }))).toEqual(['10.16.0.15 in 10.16.0.0/16 via nobody']);
    expect(shown(nicWith({ gateway: V6.gateway }))).toEqual([
      '10.16.0.15 in 10.16.0.0/16 via nobody',
    ]);
  });
});

describe('a NIC without addresses', () => {
  it('are none of a NIC that has only a MAC', () => {
    const nic = nicWith({ ip_address: undefined, cidr: undefined, gateway: undefined });
    expect(nic).toMatchObject({ addresses: [], mac: WRITTEN.mac_address });
  });

  it('are none of a NIC that has only a MAC, which waits for no routing', () => {
    const macOnly = { allocated: 'true', mac_address: WRITTEN.mac_address };
    expect(nicOf(under('ovn', macOnly)).addresses).toEqual([]);
  });

  it('are none of a NIC without IPAM, which has a CIDR', () => {
    const withoutIpam = { ...WRITTEN, ip_address: undefined, mac_address: undefined };
    const nic = nicOf(under(ATTACHED, withoutIpam), net1);
    expect(nic.addresses).toEqual([]);
    expect(nic).not.toHaveProperty('mac');
    expect(missing(under('ovn', { ...withoutIpam, routed: undefined }))).toContain('/routed');
  });
});

describe('a wrong annotation', () => {
  it.each([
    ['ip_address', { ip_address: '10.17.0.15' }],
    ['ip_address', { ip_address: '010.16.0.15' }],
    ['ip_address', { ip_address: '10.16.0.15/33' }],
    ['ip_address', { ip_address: '10.16.0.15/16/16' }],
    ['ip_address', { ip_address: '10.16.0.15/' }],
    ['ip_address', { ip_address: '10.16.0.0/16/' }],
    ['ip_address', { ip_address: '10.16.0.15,10.16.0.16' }],
    ['ip_address', { ip_address: '10.16.0.15,10.16.0.15' }],
    ['ip_address', { ip_address: '10.16.0.15 10.16.0.16' }],
    ['ip_address', { ip_address: 'fe80::1%eth0', cidr: 'fe80::/64' }],
    ['ip_address', { ip_address: '10.16.0.10..10.16.0.20' }],
    ['cidr', { cidr: '' }],
    ['cidr', { cidr: V6.cidr }],
    ['cidr', { ip_address: V6.ip_address }],
    ['cidr', { cidr: '10.16.0.0' }],
    ['cidr', { cidr: '10.16.0.0/33' }],
    ['cidr', { cidr: `${V4.cidr},nonsense` }],
    ['gateway', { gateway: '10.16.0.1/16' }],
    ['gateway', { gateway: '10.16.0.256' }],
    ['gateway', { gateway: `${V4.gateway},nonsense` }],
    ['mac_address', { mac_address: '00:00:00:53:6b' }],
    ['mac_address', { mac_address: '01:00:5e:00:00:01' }],
    ['mac_address', { mac_address: '00:00:00:00:00:00' }],
    ['logical_switch', { logical_switch: 'Subnet_1' }],
    ['provider_network', { provider_network: '../net' }],
    ['virtualmachine', { virtualmachine: 'vm 1' }],
    ['routes', { routes: '{"dst":"10.1.0.0/16"}' }],
    ['routes', { routes: '10.1.0.0/16' }],
    ['routes[0].dst', { routes: '[{}]' }],
    ['routes[1].gw', { routes: '[{"gw":"10.16.0.1"},{"gw":"gateway"}]' }],
  ])('%s is named: %j', (name, changes) => {
    const error = failureOf(() => nicWith(changes));
    expect(error.code).toBe(CniCode.invalidConfig);
    expect(error.message).toMatch(/^annotation /);
    expect(error.message.startsWith(`annotation ovn.kubernetes.io/${name} is wrong: `)).toBe(true);
    expect(error.details).toMatch(/^expected ./);
  });
});

describe('a hostile annotation', () => {
  const NAMES = [
    ...['ip_address', 'cidr', 'gateway', 'mac_address', 'logical_switch', 'provider_network'],
    ...['virtualmachine', 'routes'],
  ];
  const isPlain = (text: string) => /^\s+$|^\[\]$|^constructor\.prototype$/.test(text);
  const hostile = HOSTILE_TEXTS.filter((text) => !isPlain(text));

  it.each(NAMES)('%s is refused', (name) => {
    for (const text of hostile) {
      const error = failureOf(() => nicWith({ [name]: text }));
      expect(error.message).toContain(`annotation ovn.kubernetes.io/${name} is wrong: `);
      expectReadable(error);
    }
  });

  it.each(['ip_address', 'cidr', 'gateway', 'mac_address'] as const)(
    '%s is refused behind a right one',
    (name) => {
      for (const text of hostile) {
        const error = failureOf(() => nicWith({ [name]: `${WRITTEN[name]}${text}` }));
        expect(error.code).toBe(CniCode.invalidConfig);
      }
    },
  );
});

describe('routes of an annotation', () => {
  it('lose host bits, and the one without dst is the default route', () => {
    const routes =
      '[{"dst":"192.168.0.101/24","gw":"10.16.0.254"},{"gw":"10.16.0.253"},{"dst":"","gw":"fd00::1"}]';
    expect(nicWith({ routes }).routes.map(toWireRoute)).toEqual([
      { dst: '192.168.0.0/24', gw: '10.16.0.254' },
      { dst: '0.0.0.0/0', gw: '10.16.0.253' },
      { dst: '::/0', gw: 'fd00::1' },
    ]);
  });

  it('are 1,024 at most', () => {
    const routes = (count: number) =>
      JSON.stringify(Array(count).fill({ dst: '10.9.0.0/24', gw: '10.16.0.1' }));
    expect(nicWith({ routes: routes(1_024) }).routes).toHaveLength(1_024);
    const message = failureOf(() => nicWith({ routes: routes(1_025) })).message;
    expect(message.length).toBeLessThan(500);
  });

  it.each(['', '[]'])('are none where it is %j', (routes) => {
    expect(nicWith({ routes }).routes).toEqual([]);
  });

  it('end in a CniError however deep they are nested', () => {
    expectReadable(failureOf(() => nicWith({ routes: '['.repeat(50_000) })));
    const routes = `${'['.repeat(50_000)}${']'.repeat(50_000)}`;
    expectReadable(failureOf(() => nicWith({ routes })));
  });
});

describe('the default route', () => {
  it.each([
    ['eth0', undefined, true],
    ['eth0', '', true],
    ['eth0', 'true', true],
    ['eth0', 'false', false],
    ['eth0', 'nonsense', true],
    ['net1', undefined, false],
    ['net1', '', false],
    ['net1', 'true', true],
    ['net1', 'false', false],
    ['net1', 'True', false],
    ['eth01', undefined, false],
  ])('of %s with default_route %j: %s', (ifName, default_route, expected) => {
    const nic = nicOf(under(ATTACHED, { ...WRITTEN, default_route }), { ...net1, ifName });
    expect(nic.holdsDefaultRoute).toBe(expected);
  });
});

describe('the question whether a Subnet is named', () => {
  it('is answered under the key of the NIC', () => {
    const plain = under(ATTACHED, { logical_switch: 'subnet' });
    const longer = under(`${ATTACHED}.net1`, { ip_address: '' });
    expect(namesSubnet(plain, ATTACHED, 'net1')).toBe(true);
    expect(namesSubnet({ ...plain, ...longer }, ATTACHED, 'net1')).toBe(false);
    const own = under(`${ATTACHED}.net1`, { logical_switch: 'subnet' });
    expect(namesSubnet({ ...longer, ...own }, ATTACHED, 'net1')).toBe(true);
    expect(namesSubnet(own, ATTACHED, 'net1')).toBe(false);
  });

  it.each([{}, under(ATTACHED, { logical_switch: '' }), under('ovn', WRITTEN)])(
    'is no for %j',
    (annotations) => {
      expect(namesSubnet(annotations, ATTACHED, 'net1')).toBe(false);
    },
  );
});
