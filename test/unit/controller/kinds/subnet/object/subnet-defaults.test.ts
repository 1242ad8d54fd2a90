import { describe, expect, it } from 'vitest';
import { MACVLAN, messagesOf, subnetObject, subnetOf } from '../../object-support.ts';

const SEEN = 'ovn.kubernetes.io/cidr-seen';

const defaultsOf = (spec: object, name = 'net', changes = {}) =>
  subnetObject(name, spec, {}, changes).defaults;

const notesOf = (spec: object, name = 'net') => subnetObject(name, spec).notes;

describe('what a Subnet does not say', () => {
  it('is written back in one patch', () => {
    expect(defaultsOf({ cidrBlock: '10.16.0.0/16' })).toEqual({
      spec: {
        protocol: 'IPv4',
        gateway: '10.16.0.1',
        excludeIps: ['10.16.0.1'],
        provider: 'ovn',
        vpc: 'ovn-cluster',
        gatewayType: 'distributed',
      },
    });
  });

  it('is there at once, before it is written', () => {
    expect(subnetOf({ cidrBlock: '10.16.0.0/16' })).toMatchObject({
      provider: 'ovn',
      isOvn: true,
      vpc: 'ovn-cluster',
      gateway: '10.16.0.1',
      protocol: 'IPv4',
      hasRouterPort: true,
    });
  });

  it('is nothing of what it says', () => {
    const said = { ...MACVLAN, excludeIps: ['172.17.0.0..172.17.0.10'] };
    expect(defaultsOf(said)).toBeUndefined();
  });

  it('is nothing once the patch was applied', () => {
    const spec = {
      cidrBlock: '10.16.3.4/16,2001:db8::5/64',
      excludeIps: ['10.16.0.9', '10.16.0.5'],
    };
    const patch = defaultsOf(spec) as { spec: object };
    expect(defaultsOf({ ...spec, ...patch.spec })).toBeUndefined();
  });

  it('is not written where something is wrong', () => {
    expect(defaultsOf({ cidrBlock: '10.16.0.0/16', mtu: 'x' })).toBeUndefined();
  });
});

describe('the CIDR', () => {
  it('loses its host bits', () => {
    expect(defaultsOf({ ...MACVLAN, cidrBlock: '172.17.3.4/16' })).toEqual({
      spec: { cidrBlock: '172.17.0.0/16' },
    });
  });

  it('has IPv4 first', () => {
    const { cidrBlock, gateway, protocol } = subnetOf({ cidrBlock: 'fd00::/64,10.16.0.0/16' });
    expect({ cidrBlock, gateway, protocol }).toEqual({
      cidrBlock: '10.16.0.0/16,fd00::/64',
      gateway: '10.16.0.1,fd00::1',
      protocol: 'Dual',
    });
  });

  it('may be called cidr, as in the documentation of non-primary mode (T5)', () => {
    const spec = {
      vpc: 'vpc-secondary',
      cidr: '10.100.0.0/16',
      gateway: '10.100.0.1',
      provider: 'kube-ovn-vpc-network.default.ovn',
    };
    expect(subnetOf(spec).cidrBlock).toBe('10.100.0.0/16');
    expect(defaultsOf(spec)).toEqual({
      metadata: { annotations: { [SEEN]: '10.100.0.0/16=10.100.0.0/16' } },
      spec: { cidrBlock: '10.100.0.0/16', protocol: 'IPv4', excludeIps: ['10.100.0.1'] },
    });
  });

  it('decides the protocol, whatever is written', () => {
    expect(defaultsOf({ ...MACVLAN, protocol: 'Dual' })).toEqual({ spec: { protocol: 'IPv4' } });
  });

  it('is not needed for an underlay network: then the protocol is Mac', () => {
    expect(subnetOf({ vlan: 'vlan1' })).toMatchObject({ protocol: 'Mac', blocks: [], gateway: '' });
    expect(defaultsOf({ vlan: 'vlan1', provider: 'a.b' })).toEqual({ spec: { protocol: 'Mac' } });
  });
});

describe('the gateway', () => {
  it('is the first address', () => {
    expect(subnetOf({ cidrBlock: '10.101.0.0/24' }).gateway).toBe('10.101.0.1');
    expect(subnetOf({ cidrBlock: '10.101.0.0/31' }).gateway).toBe('10.101.0.0');
  });

  it('of the family that is not said is added', () => {
    const spec = { cidrBlock: '10.16.0.0/16,fd00::/64' };
    expect(subnetOf({ ...spec, gateway: 'fd00::9' }).gateway).toBe('10.16.0.1,fd00::9');
    expect(subnetOf({ ...spec, gateway: '10.16.0.9' }).gateway).toBe('10.16.0.9,fd00::1');
  });
});

describe('what is excluded', () => {
  const excludesOf = (...excludeIps: string[]) => {
    const patch = defaultsOf({ ...MACVLAN, excludeIps }) as { spec?: { excludeIps?: string[] } };
    return patch?.spec?.excludeIps;
  };

  it('is as documented, with a range that begins at the number of the network (D11)', () => {
    expect(excludesOf('172.17.0.0..172.17.0.10')).toBeUndefined();
  });

  it('has the gateway behind what is written', () => {
    expect(excludesOf('172.17.0.5')).toEqual(['172.17.0.5', '172.17.0.1']);
  });

  it('stays as it is written where ranges overlap, and counts once', () => {
    const ranges = ['172.17.0.1..172.17.0.10', '172.17.0.5..172.17.0.20', '172.17.0.7'];
    expect(excludesOf(...ranges)).toBeUndefined();
    expect(excludesOf('172.17.0.1', '172.17.0.1')).toBeUndefined();
    const { excludes } = subnetOf({ ...MACVLAN, excludeIps: ranges });
    expect(excludes.map(({ first, last }) => `${first.text}..${last.text}`)).toEqual([
      '172.17.0.1..172.17.0.20',
    ]);
  });

  it('stays as it is written where it says the same in another order', () => {
    expect(excludesOf('172.17.0.9', '172.17.0.1')).toBeUndefined();
    expect(excludesOf('172.17.0.2', '172.17.0.1')).toBeUndefined();
  });
});

describe('a network that OVN does not make', () => {
  it('gets no VPC and no gateway type', () => {
    expect(defaultsOf({ provider: 'macvlan.default', cidrBlock: '10.0.0.0/8' })).toEqual({
      spec: { protocol: 'IPv4', gateway: '10.0.0.1', excludeIps: ['10.0.0.1'] },
    });
    expect(subnetOf(MACVLAN)).toMatchObject({ isOvn: false, vpc: '', hasRouterPort: false });
  });
});

describe('the default Subnet', () => {
  const spec = { ...MACVLAN, provider: 'ovn', vpc: 'ovn-cluster', default: true };

  it('is the one that the controller was told', () => {
    const complete = { ...spec, gatewayType: 'distributed' };
    expect(defaultsOf(complete, 'ovn-default')).toBeUndefined();
    expect(notesOf(complete, 'ovn-default')).toEqual([]);
    expect(defaultsOf(complete, 'other')).toBeUndefined();
    expect(notesOf(complete, 'other')).toEqual([
      'default: the default Subnet is ovn-default (--default-ls)',
    ]);
  });

  it('of another VPC is left alone', () => {
    expect(defaultsOf({ ...spec, vpc: 'other' })).toBeUndefined();
    expect(notesOf({ ...spec, vpc: 'other' })).toEqual([]);
  });
});

describe('load balancing', () => {
  it('is what the controller was told where the Subnet does not say', () => {
    expect(defaultsOf(MACVLAN, 'net', { enableLb: false })).toEqual({ spec: { enableLb: false } });
    expect(defaultsOf({ ...MACVLAN, enableLb: true }, 'net', { enableLb: false })).toBeUndefined();
  });

  it('is nothing for the join network', () => {
    expect(defaultsOf(MACVLAN, 'join', { enableLb: true })).toBeUndefined();
    const join = { ...MACVLAN, enableLb: true };
    expect(defaultsOf(join, 'join', { enableLb: true })).toBeUndefined();
    expect(notesOf(join, 'join')).toEqual(['enableLb: no Service is reached through nodes']);
  });
});

describe('an interconnection', () => {
  it('is off without an underlay, whatever is written', () => {
    const spec = { ...MACVLAN, u2oInterconnection: true };
    expect(subnetOf(spec).u2oInterconnection).toBe(false);
    expect(defaultsOf(spec)).toBeUndefined();
    expect(notesOf(spec)).toEqual(['u2oInterconnection: the Subnet has no vlan to connect with']);
  });

  it('has no address where it is off, whatever is written', () => {
    const spec = { ...MACVLAN, u2oInterconnectionIP: '172.17.0.9' };
    expect(defaultsOf(spec)).toBeUndefined();
    expect(notesOf(spec)).toEqual(['u2oInterconnectionIP: u2oInterconnection is off']);
  });
});

describe("a user's field", () => {
  it('is never removed', () => {
    const given = {
      cidr: '172.17.0.0/16',
      default: true,
      enableLb: true,
      u2oInterconnection: true,
      u2oInterconnectionIP: '172.17.0.9',
      protocol: 'Dual',
      gatewayNode: 'a',
      vips: ['172.17.0.8'],
    };
    for (const name of ['net', 'join', 'ovn-default']) {
      const { spec = {} } = (defaultsOf({ ...MACVLAN, ...given }, name) ?? {}) as { spec?: object };
      expect(Object.values(spec)).not.toContain(null);
      expect(Object.keys(spec)).toEqual(['protocol']);
    }
  });
});

describe('cidr and cidrBlock', () => {
  const [A, B, C] = ['172.17.0.0/16', '172.18.0.0/16', '172.19.0.0/16'];
  const { gateway: _gateway, excludeIps: _excludeIps, cidrBlock: _block, ...plain } = MACVLAN;
  /** What is in force, or what is wrong, and what the object notes of it. */
  const withCidrs = (cidr: string, cidrBlock: string, seen?: string) => {
    const annotations = seen === undefined ? {} : { [SEEN]: seen };
    const spec = { ...plain, cidr, cidrBlock };
    const object = subnetObject('net', spec, { metadata: { annotations } });
    const { checked, defaults, notes } = object;
    const patch = (defaults ?? {}) as { metadata?: { annotations?: Record<string, string> } };
    return {
      result: 'value' in checked ? checked.value.cidrBlock : messagesOf(checked),
      noted: patch.metadata?.annotations?.[SEEN],
      notes,
    };
  };

  it('say the same: the rest of the object is as if there was one of them', () => {
    expect(withCidrs(A, A, `${A}=${A}`)).toEqual({ result: A, noted: undefined, notes: [] });
    expect(withCidrs('172.17.3.4/16', A, `${A}=${A}`)).toMatchObject({ result: A, notes: [] });
  });

  it('differ since cidr was edited: cidr counts', () => {
    expect(withCidrs(B, A, `${A}=${A}`)).toEqual({ result: B, noted: `${B}=${B}`, notes: [] });
  });

  it('differ since cidrBlock was edited: cidrBlock counts, and the user is told', () => {
    const edited = withCidrs(A, B, `${A}=${A}`);
    expect(edited).toMatchObject({ result: B, noted: `${A}=${B}` });
    expect(edited.notes).toEqual([
      expect.stringContaining(`cidr ${A} gives way to cidrBlock ${B}`),
    ]);
    // It stays so, until one of them is edited again.
    expect(withCidrs(A, B, `${A}=${B}`)).toMatchObject({ result: B, noted: undefined });
    expect(withCidrs(C, B, `${A}=${B}`)).toEqual({ result: C, noted: `${C}=${C}`, notes: [] });
  });

  it('differ, and nobody knows which is meant: the Subnet is not valid', () => {
    const message = `cidr ${B} is another than cidrBlock ${C}`;
    for (const seen of [undefined, `${A}=${A}`, 'nonsense', '=', 'a=b=c']) {
      expect(withCidrs(B, C, seen).result).toEqual([message]);
    }
  });

  it('are one again where cidr is removed: what was noted goes', () => {
    const metadata = { annotations: { [SEEN]: `${A}=${B}` } };
    const { defaults } = subnetObject('net', { ...MACVLAN, cidrBlock: A }, { metadata });
    expect(defaults).toEqual({ metadata: { annotations: { [SEEN]: null } } });
  });
});

describe('addresses in another spelling', () => {
  it('are taken, and written back in the one that all read', () => {
    const said = {
      ...MACVLAN,
      protocol: 'Dual',
      cidrBlock: ' FD00:0::/64 , 172.17.0.0/16',
      gateway: '172.17.0.1, FD00::1 ',
      excludeIps: [' 172.17.0.2 .. 172.17.0.9', 'FD00::A', '172.17.0.1', 'fd00::1'],
      vips: ['FD00::B'],
      allowSubnets: ['FD01::/64 '],
    };
    const subnet = subnetOf(said);
    expect(subnet).toMatchObject({ cidrBlock: '172.17.0.0/16,fd00::/64' });
    expect(subnet.vips.map(({ text }) => text)).toEqual(['fd00::b']);
    const written = {
      cidrBlock: '172.17.0.0/16,fd00::/64',
      gateway: '172.17.0.1,fd00::1',
      excludeIps: ['172.17.0.2..172.17.0.9', 'fd00::a', '172.17.0.1', 'fd00::1'],
      vips: ['fd00::b'],
      allowSubnets: ['fd01::/64'],
    };
    expect(defaultsOf(said)).toEqual({ spec: written });
    expect(defaultsOf({ ...said, ...written })).toBeUndefined();
  });

  it('are no excuse for a blank within an address', () => {
    const { checked } = subnetObject('net', { ...MACVLAN, cidrBlock: '172.17. 0.0/16' });
    expect(messagesOf(checked)).toEqual([expect.stringContaining('format error')]);
  });

  it('take a time that grows no faster than the text', () => {
    const spec = { ...MACVLAN, gateway: ` ${' '.repeat(500_000)},`, vips: ['..'.repeat(250_000)] };
    expect(messagesOf(subnetObject('net', spec).checked)).not.toEqual([]);
  });
});
