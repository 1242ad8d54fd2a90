import { describe, expect, it } from 'vitest';
import { MACVLAN, subnetObject, subnetOf } from './support.ts';

const defaultsOf = (spec: object, name = 'net', changes = {}) =>
  subnetObject(name, spec, {}, changes).defaults;

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
      spec: {
        cidrBlock: '10.100.0.0/16',
        cidr: null,
        protocol: 'IPv4',
        excludeIps: ['10.100.0.1'],
      },
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

  it('has the gateway besides', () => {
    expect(excludesOf('172.17.0.5')).toEqual(['172.17.0.1', '172.17.0.5']);
  });

  it('is merged where ranges overlap', () => {
    expect(excludesOf('172.17.0.1..172.17.0.10', '172.17.0.5..172.17.0.20', '172.17.0.7')).toEqual([
      '172.17.0.1..172.17.0.20',
    ]);
    expect(excludesOf('172.17.0.1', '172.17.0.1')).toEqual(['172.17.0.1']);
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
    expect(defaultsOf(complete, 'other')).toEqual({ spec: { default: false } });
  });

  it('of another VPC is left alone', () => {
    expect(defaultsOf({ ...spec, vpc: 'other' })).toBeUndefined();
  });
});

describe('load balancing', () => {
  it('is what the controller was told where the Subnet does not say', () => {
    expect(defaultsOf(MACVLAN, 'net', { enableLb: false })).toEqual({ spec: { enableLb: false } });
    expect(defaultsOf({ ...MACVLAN, enableLb: true }, 'net', { enableLb: false })).toBeUndefined();
  });

  it('is nothing for the join network', () => {
    const join = { ...MACVLAN, enableLb: true };
    expect(defaultsOf(join, 'join', { enableLb: true })).toEqual({ spec: { enableLb: null } });
  });
});

describe('an interconnection', () => {
  it('is off without an underlay', () => {
    expect(defaultsOf({ ...MACVLAN, u2oInterconnection: true })).toEqual({
      spec: { u2oInterconnection: false },
    });
  });

  it('has no address where it is off', () => {
    expect(defaultsOf({ ...MACVLAN, u2oInterconnectionIP: '172.17.0.9' })).toEqual({
      spec: { u2oInterconnectionIP: null },
    });
  });
});
