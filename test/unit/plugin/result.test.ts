import { describe, expect, it } from 'vitest';
import { CNI_VERSIONS } from '../../../src/plugin/network-config.ts';
import { printResult, readResult } from '../../../src/plugin/result.ts';
import { failureOf } from './attempt.ts';

const V4 = { protocol: 'IPv4', ip: '10.16.0.5', cidr: '10.16.0.0/16', gateway: '10.16.0.1' };
const V6 = {
  protocol: 'IPv6',
  ip: 'fd00:10:16::5',
  cidr: 'fd00:10:16::/112',
  gateway: 'fd00:10:16::1',
};
const ANSWER = {
  ips: [V4, V6],
  mac_address: '00:00:00:ab:cd:ef',
  routes: null,
  mtu: 1400,
  nicname: 'eth0',
  dns: {},
  error: '',
};
const NETNS = '/run/netns/pod';

const ROUTES = [
  { dst: '0.0.0.0/0', gw: '10.16.0.1' },
  { dst: '::/0', gw: 'fd00:10:16::1' },
];

function printed(version: string, answer: object = ANSWER, sandbox: string | undefined = NETNS) {
  return JSON.parse(printResult(readResult({ ...answer }, sandbox, {}), version));
}

function asDelegate(version: string, answer: object = ANSWER) {
  return JSON.parse(printResult(readResult({ ...answer }, undefined, {}), version));
}

describe('a dual-stack result', () => {
  it.each(['0.1.0', '0.2.0'])('has one address of each family in version %s', (cniVersion) => {
    expect(printed(cniVersion)).toEqual({
      cniVersion,
      ip4: { ip: '10.16.0.5/16', gateway: '10.16.0.1', routes: [ROUTES[0]] },
      ip6: { ip: 'fd00:10:16::5/112', gateway: 'fd00:10:16::1', routes: [ROUTES[1]] },
    });
  });

  it.each(['0.3.0', '0.3.1', '0.4.0'])(
    'has interfaces and addresses with their IP version in version %s',
    (cniVersion) => {
      expect(printed(cniVersion)).toEqual({
        cniVersion,
        interfaces: [{ name: 'eth0', mac: '00:00:00:ab:cd:ef', sandbox: NETNS }],
        ips: [
          { version: '4', interface: 0, address: '10.16.0.5/16', gateway: '10.16.0.1' },
          { version: '6', interface: 0, address: 'fd00:10:16::5/112', gateway: 'fd00:10:16::1' },
        ],
        routes: ROUTES,
      });
    },
  );

  it('has no IP version in version 1.0.0', () => {
    expect(printed('1.0.0')).toEqual({
      cniVersion: '1.0.0',
      interfaces: [{ name: 'eth0', mac: '00:00:00:ab:cd:ef', sandbox: NETNS }],
      ips: [
        { interface: 0, address: '10.16.0.5/16', gateway: '10.16.0.1' },
        { interface: 0, address: 'fd00:10:16::5/112', gateway: 'fd00:10:16::1' },
      ],
      routes: ROUTES,
    });
  });

  it('has the MTU too in version 1.1.0', () => {
    const { interfaces, ...others } = printed('1.1.0');
    expect(interfaces).toEqual([
      { name: 'eth0', mac: '00:00:00:ab:cd:ef', mtu: 1400, sandbox: NETNS },
    ]);
    const { interfaces: _, ...older } = printed('1.0.0');
    expect(others).toEqual({ ...older, cniVersion: '1.1.0' });
  });

  it.each(CNI_VERSIONS)('of an IPAM delegate has no interface in version %s', (cniVersion) => {
    const result = asDelegate(cniVersion, { ...ANSWER, nicname: '', mac_address: '', mtu: 0 });
    expect(JSON.stringify(result)).not.toContain('interface');
    expect(result).not.toHaveProperty('dns');
    if (cniVersion >= '0.3.0') {
      expect(result.ips).toMatchObject([
        { address: '10.16.0.5/16' },
        { address: 'fd00:10:16::5/112' },
      ]);
      expect(result.routes).toEqual(ROUTES);
    }
  });
});

describe('a result with less in it', () => {
  it('has no gateway and no route where the NIC does not hold the default route', () => {
    const answer = { ...ANSWER, ips: [{ ...V4, gateway: '' }] };
    expect(printed('1.0.0', answer)).toMatchObject({
      ips: [{ interface: 0, address: '10.16.0.5/16' }],
      routes: [],
    });
    expect(printed('0.2.0', answer)).toEqual({
      cniVersion: '0.2.0',
      ip4: { ip: '10.16.0.5/16', routes: [] },
    });
  });

  it.each([{ ips: null }, { ips: [] }])('has no address where the daemon says %j', (ips) => {
    expect(printed('1.1.0', { ...ANSWER, ...ips })).toMatchObject({
      interfaces: [{ name: 'eth0' }],
      ips: [],
      routes: [],
    });
    expect(printed('0.1.0', { ...ANSWER, ...ips })).toEqual({ cniVersion: '0.1.0' });
  });

  it('leaves out a MAC and an MTU that are not there', () => {
    const answer = { ...ANSWER, mac_address: '', mtu: 0 };
    expect(printed('1.1.0', answer).interfaces).toEqual([{ name: 'eth0', sandbox: NETNS }]);
    expect(printed('1.1.0', { ...answer, mtu: null }).interfaces).toHaveLength(1);
  });

  it('has only the first address of a family until 0.2.0', () => {
    const answer = { ...ANSWER, ips: [V4, { ...V4, ip: '10.16.0.6' }] };
    expect(printed('0.2.0', answer).ip4.ip).toBe('10.16.0.5/16');
    expect(printed('0.3.0', answer).ips).toHaveLength(2);
  });
});

/** As a daemon answers that says each Subnet's gateway, for a NIC without the default route. */
const ATTACHED = {
  ...ANSWER,
  ips: [
    { ...V4, gateway: undefined },
    { ...V6, gateway: undefined },
  ],
  subnet_gateways: ['fd00:10:16::1', '10.16.0.254'],
};

describe("the gateway of an address's Subnet", () => {
  it.each(['1.0.0', '0.3.1'])(
    'is in the result, and no route by itself, in version %s',
    (version) => {
      for (const result of [printed(version, ATTACHED), asDelegate(version, ATTACHED)]) {
        expect(result.ips).toMatchObject([
          { gateway: '10.16.0.254' },
          { gateway: 'fd00:10:16::1' },
        ]);
        expect(result.routes).toEqual([]);
      }
    },
  );

  it.each(['0.1.0', '0.2.0'])('is with the address of its family in version %s', (version) => {
    expect(asDelegate(version, ATTACHED)).toMatchObject({
      ip4: { gateway: '10.16.0.254', routes: [] },
      ip6: { gateway: 'fd00:10:16::1', routes: [] },
    });
  });

  it('of one family is not that of the other', () => {
    const { ips } = asDelegate('1.0.0', { ...ATTACHED, subnet_gateways: ['fd00:10:16::1'] });
    expect(ips[0]).not.toHaveProperty('gateway');
    expect(ips[1]).toHaveProperty('gateway');
  });

  it('is not said by an older daemon, whose gateways are default routes', () => {
    const older = { ...ANSWER, ips: [V4, { ...V6, gateway: undefined }] };
    expect(asDelegate('1.0.0', older)).toMatchObject({ routes: [ROUTES[0]] });
    expect(asDelegate('1.0.0', older).ips[1]).not.toHaveProperty('gateway');
  });

  it('beside a default route leaves that one alone', () => {
    const newer = { ...ANSWER, subnet_gateways: ['10.16.0.1', 'fd00:10:16::1'] };
    expect(printed('1.0.0', newer)).toEqual(printed('1.0.0'));
  });
});

describe('the host end of the veth pair', () => {
  const host_interface = { name: '5f1c_net1_h', mac: '4a:00:00:00:00:01' };
  const answer = { ...ANSWER, host_interface };

  it.each(['0.3.0', '1.0.0', '1.1.0'])(
    'comes after the interface that the addresses point to, and has no sandbox, in version %s',
    (version) => {
      const { interfaces, ips } = printed(version, answer);
      expect(interfaces).toEqual([expect.objectContaining({ sandbox: NETNS }), host_interface]);
      expect(ips).toMatchObject([{ interface: 0 }, { interface: 0 }]);
    },
  );

  it('may be without a MAC', () => {
    const nameless = { ...answer, host_interface: { ...host_interface, mac: '' } };
    expect(printed('1.0.0', nameless).interfaces[1]).toEqual({ name: '5f1c_net1_h' });
  });

  it('is in no result of a version without interfaces, and in none of a delegate', () => {
    expect(printed('0.2.0', answer)).toEqual(printed('0.2.0'));
    expect(asDelegate('1.0.0', answer)).toEqual(asDelegate('1.0.0'));
  });
});

describe('routes', () => {
  it('of the daemon replace those by gateway', () => {
    const routes = [{ dst: '10.96.0.0/12', gw: '10.16.0.2' }, { dst: '172.16.0.0/12' }];
    expect(printed('1.0.0', { ...ANSWER, routes }).routes).toEqual(routes);
  });

  it('without a destination are the default route of the family of the gateway', () => {
    const routes = [{ gw: '10.16.0.1' }, { dst: '', gw: 'fd00:10:16::1' }];
    expect(printed('1.0.0', { ...ANSWER, routes }).routes).toEqual(ROUTES);
  });

  it('have the host bits of their destination cleared', () => {
    const routes = [
      { dst: '10.96.1.2/12', gw: '10.16.0.1' },
      { dst: 'FD00::9/64', gw: 'fd00::1' },
    ];
    expect(printed('0.2.0', { ...ANSWER, routes })).toMatchObject({
      ip4: { routes: [{ dst: '10.96.0.0/12', gw: '10.16.0.1' }] },
      ip6: { routes: [{ dst: 'fd00::/64', gw: 'fd00::1' }] },
    });
  });
});

describe('DNS', () => {
  const CONFIGURED = { nameservers: ['10.96.0.10'] };
  it('of the daemon comes before that of the configuration', () => {
    const dns = { nameservers: null, domain: 'a.org', search: ['b.org'], options: [] };
    expect(readResult({ ...ANSWER, dns }, NETNS, CONFIGURED).dns).toEqual({
      domain: 'a.org',
      search: ['b.org'],
    });
  });

  it.each([{}, null, { nameservers: [], domain: '' }])(
    'of the configuration holds where the daemon says %j',
    (dns) => {
      expect(readResult({ ...ANSWER, dns }, NETNS, CONFIGURED).dns).toEqual(CONFIGURED);
    },
  );
});

describe('a wrong answer', () => {
  it.each([
    [{ ips: {} }, 'ips: expected an array, found {}'],
    [{ ips: ['10.0.0.1'] }, 'ips[0]: expected an object'],
    [
      { ips: [V4, { ...V6, ip: 'fd00::g' }] },
      'ips[1].ip: expected an IPv6 address, found "fd00::g"',
    ],
    [{ ips: [{ ...V4, ip: '10.16.0.5/16' }] }, 'ips[0].ip: expected an IPv4 address'],
    [{ ips: [{ ...V4, protocol: 'IPv6' }] }, 'ips[0].ip: expected an IPv6 address'],
    [{ ips: [{ ...V4, protocol: 4 }] }, 'ips[0].protocol: expected a string, found 4'],
    [{ ips: [{ ...V4, cidr: '10.16.0.0' }] }, 'ips[0].cidr: expected an IPv4 CIDR'],
    [{ ips: [{ ...V4, cidr: V6.cidr }] }, 'ips[0].cidr: expected an IPv4 CIDR'],
    [{ ips: [{ ...V4, gateway: 'gw' }] }, 'ips[0].gateway: expected an IPv4 address, found "gw"'],
    [{ ips: [{ ...V4, gateway: V6.gateway }] }, 'ips[0].gateway: expected an IPv4 address'],
    [{ routes: 'x' }, 'routes: expected an array of {dst?, gw?}, found "x"'],
    [{ routes: [{}] }, 'routes[0].gw: expected an address, found ""'],
    [{ routes: [{ dst: '10.0.0.0', gw: '10.16.0.1' }] }, 'routes[0].dst: expected a CIDR'],
    [{ routes: [{ dst: '10.0.0.0/8', gw: 'x' }] }, 'routes[0].gw: expected an address, found "x"'],
    [{ nicname: '' }, 'nicname: expected the name of an interface, found ""'],
    [{ nicname: 'a/b' }, 'nicname: expected the name of an interface'],
    [{ mac_address: 'zz:00' }, 'mac_address: expected a MAC address, found "zz:00"'],
    [{ mtu: '1400' }, 'mtu: expected a number of bytes, found "1400"'],
    [{ mtu: -1 }, 'mtu: expected a number of bytes, found -1'],
    [{ subnet_gateways: ['x'] }, 'subnet_gateways: expected an array of addresses, found "x"'],
    [{ subnet_gateways: [1] }, 'subnet_gateways: expected an array of strings, found [1]'],
    [{ host_interface: 'x' }, 'host_interface: expected an object, found "x"'],
    [{ host_interface: { mac: '' } }, 'host_interface.name: expected the name of an interface'],
    [{ host_interface: { name: 'h', mac: 'x' } }, 'host_interface.mac: expected a MAC address'],
    [{ dns: { search: [1] } }, 'dns.search: expected an array of strings, found [1]'],
  ])('%j is error 11: %s', (change, details) => {
    const failure = failureOf(() => readResult({ ...ANSWER, ...change }, NETNS, {}));
    expect(failure).toMatchObject({ code: 11, msg: 'the node daemon gave a wrong answer' });
    expect(failure.details).toContain(details);
  });

  it('is one without addresses at all', () => {
    expect(failureOf(() => readResult({}, NETNS, {})).details).toContain('ips: expected');
  });
});
