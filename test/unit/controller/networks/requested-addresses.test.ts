import { describe, expect, it } from 'vitest';
import {
  ATTACHNET_NAD,
  type Cluster,
  eventsOf,
  MACVLAN_NAD,
  macvlanSubnet,
  NETWORKS,
  nicsOf,
  podOf,
  problemsOf,
  short,
  statefulPod,
} from './support.ts';

const cluster: Cluster = {
  nads: { 'default/attachnet': ATTACHNET_NAD, 'default/macvlan': MACVLAN_NAD },
  subnets: {
    dual: { cidrBlock: '10.0.0.0/16,fd00::/64', provider: 'attachnet.default.ovn' },
    macvlan: macvlanSubnet,
    underlay: { vlan: 'vlan1', provider: 'ovn' },
    v6: { cidrBlock: 'fd01::/64', provider: 'ovn' },
  },
  ipPools: {
    pool1: { subnet: 'dual', ips: ['10.0.0.5'] },
    elsewhere: { subnet: 'macvlan', ips: ['172.17.0.20'] },
    wrong: { subnet: 'dual', ips: ['x'] },
  },
};
const P = 'attachnet.default.ovn.kubernetes.io';
const annotated = (values: Record<string, string>, element: object = {}) => ({
  [NETWORKS]: JSON.stringify([{ name: 'attachnet', ...element }]),
  ...Object.fromEntries(Object.entries(values).map(([name, value]) => [`${P}/${name}`, value])),
});
const nicWith = (values: Record<string, string>, element: object = {}) => {
  const [nic] = nicsOf(podOf(annotated(values, element)), cluster);
  if (nic === undefined) throw new Error('there is no NIC');
  return short(nic);
};
const problemsWith = (values: Record<string, string>, element: object = {}) =>
  problemsOf(podOf(annotated(values, element)), cluster);

it('an IPPool that cannot be known says why', () => {
  const lackOfIpPools = { message: 'the cluster has none', advice: 'install it' };
  const pod = podOf(annotated({ ip_pool: 'pool2' }));
  expect(problemsOf(pod, { ...cluster, lackOfIpPools })).toEqual([
    'failed to get ippool pool2: not found: the cluster has none',
  ]);
});

describe('the addresses of a NIC', () => {
  it('are any where none are asked for', () => {
    expect(nicWith({}).attempts).toEqual(['dual any']);
    expect(nicWith({ ip_address: '', ip_pool: '' }, { ips: [] }).attempts).toEqual(['dual any']);
  });

  it.each([
    ['one', '10.0.0.7', '10.0.0.7'],
    ['one of each family', 'fd00::7, 10.0.0.7', '10.0.0.7,fd00::7'],
    ['one with a mask', '10.0.0.7/24', '10.0.0.7'],
    ['one in other letters', 'FD00::0:7', 'fd00::7'],
  ])('are those of the annotation: %s', (_, ip_address, expected) => {
    expect(nicWith({ ip_address }).attempts).toEqual([`dual ${expected}`]);
  });

  it('are what is said most exactly for the NIC', () => {
    const pool = { ip_pool: '10.0.0.1' };
    const annotation = { ...pool, ip_address: '10.0.0.2' };
    const ips = { ips: ['10.0.0.3'] };
    expect(nicWith(pool).attempts).toEqual(['dual 10.0.0.1']);
    expect(nicWith(annotation).attempts).toEqual(['dual 10.0.0.2']);
    expect(nicWith(annotation, ips).attempts).toEqual(['dual 10.0.0.3']);
    const perInterface = {
      ...annotated(annotation, { ...ips, interface: 'net1' }),
      'attachnet.default.kubernetes.io/ip_address.net1': '10.0.0.4',
      'attachnet.default.kubernetes.io/ip_address.net2': '10.0.0.5',
    };
    const [nic] = nicsOf(podOf(perInterface), cluster);
    expect(nic && short(nic).attempts).toEqual(['dual 10.0.0.4']);
  });

  it('of the selection may be one of each family', () => {
    expect(nicWith({}, { ips: ['10.0.0.3/16', 'fd00::3/64'] }).attempts).toEqual([
      'dual 10.0.0.3,fd00::3',
    ]);
  });

  it.each([
    ['no address', { ip_address: '10.0.0' }, {}, 'failed to parse IP 10.0.0 in annotation'],
    ['octal', { ip_address: '010.0.0.1' }, {}, 'failed to parse IP 010.0.0.1'],
    ['a CIDR that is none', { ip_address: '10.0.0.1/40' }, {}, 'failed to parse IP 10.0.0.1/40'],
    ['nothing between commas', { ip_address: '10.0.0.1,' }, {}, 'failed to parse IP  in'],
    ['a name', {}, { ips: ['web'] }, 'failed to parse IP web in "ips"'],
    ['two of a family', {}, { ips: ['10.0.0.1', '10.0.0.2'] }, '10.0.0.1,10.0.0.2 in "ips"'],
  ])('are refused: %s', (_, values, element, message) => {
    const [problem] = problemsWith(values as Record<string, string>, element);
    expect(problem).toContain(message);
    expect(eventsOf(podOf(annotated(values as Record<string, string>, element)), cluster)).toEqual([
      {
        type: 'Warning',
        reason: 'AcquireAddressFailed',
        message: expect.stringContaining('stage=acquireAddress error='),
      },
    ]);
  });

  it('are none on an underlay with a DHCP server of its own', () => {
    expect(nicWith({ logical_switch: 'underlay' })).toMatchObject({
      attempts: ['underlay any'],
      mac: 'dynamic',
    });
  });
});

describe('the family of a NIC', () => {
  it('is one of those that the Subnet has', () => {
    expect(nicWith({ ip_family: 'ipv6' }).family).toBe('IPv6');
    expect(problemsWith({ ip_family: 'ipv4', logical_switch: 'v6' })).toEqual([
      'requested ip family IPv4 does not match subnet v6 protocol IPv6',
    ]);
    expect(nicWith({ ip_family: 'ipv4', logical_switch: 'underlay' }).family).toBe('IPv4');
  });

  it('is that of all addresses that are asked for', () => {
    expect(problemsWith({ ip_family: 'ipv6' }, { ips: ['10.0.0.3'] })[0]).toContain(
      '10.0.0.3 does not match',
    );
    expect(nicWith({ ip_family: 'ipv6' }, { ips: ['fd00::3'] }).attempts).toEqual(['dual fd00::3']);
  });
});

describe('the MAC of a NIC', () => {
  it('is the one that is said most exactly for it', () => {
    expect(nicWith({}).mac).toBe('dynamic');
    const annotation = { mac_address: '02:00:00:00:00:0A' };
    expect(nicWith(annotation).mac).toBe('02:00:00:00:00:0a');
    expect(nicWith(annotation, { mac: '02:00:00:00:00:0B' }).mac).toBe('02:00:00:00:00:0b');
    const perInterface = {
      ...annotated(annotation, { mac: '02:00:00:00:00:0b', interface: 'net1' }),
      'attachnet.default.kubernetes.io/mac_address.net1': '02:00:00:00:00:0c',
    };
    const [nic] = nicsOf(podOf(perInterface), cluster);
    expect(nic && short(nic).mac).toBe('02:00:00:00:00:0c');
  });

  it('may be asked for by interface for a macvlan NIC', () => {
    const annotations = {
      [NETWORKS]: 'macvlan@net1',
      'macvlan.default.kubernetes.io/mac_address.net1': '02:00:00:00:00:0c',
      'macvlan.default.kubernetes.io/ip_address.net1': '172.17.0.31',
    };
    expect(nicsOf(podOf(annotations), cluster).map(short)).toMatchObject([
      { attempts: ['macvlan 172.17.0.31'], mac: '02:00:00:00:00:0c' },
    ]);
  });

  it.each(['02:00:00:00:00', 'ff:ff:ff:ff:ff:ff', '01:00:5e:00:00:01', 'x', '00:00:00:00:00:00'])(
    'is refused: %s',
    (mac) => {
      expect(problemsWith({ mac_address: mac })[0]).toContain(`${mac} is not a valid annotation`);
      expect(problemsWith({}, { mac })[0]).toContain(`${mac} is not a valid "mac"`);
    },
  );
});

describe('the pool of a NIC', () => {
  it('is a list, one entry of which is to be had', () => {
    expect(nicWith({ ip_pool: '10.0.0.5,10.0.0.6,10.0.0.7' }).attempts).toEqual([
      'dual 10.0.0.5;10.0.0.6;10.0.0.7',
    ]);
    expect(nicWith({ ip_pool: '10.0.0.5,fd00::5' }).attempts).toEqual(['dual 10.0.0.5,fd00::5']);
  });

  it('has only those entries that the Subnet has, as long as it has any', () => {
    expect(nicWith({ ip_pool: '192.168.0.1;10.0.0.6' }).attempts).toEqual(['dual 10.0.0.6']);
    expect(nicWith({ ip_pool: '192.168.0.1' }).attempts).toEqual(['dual 192.168.0.1']);
  });

  it('has an entry for each number of a StatefulSet', () => {
    const annotations = annotated({ ip_pool: '10.0.0.5;10.0.0.6' });
    const attempts = (name: string) =>
      nicsOf(statefulPod(annotations, name), cluster).map((nic) => short(nic).attempts);
    expect(attempts('web-1')).toEqual([['dual 10.0.0.5;10.0.0.6 at 1']]);
    expect(attempts('web-7')).toEqual([['dual 10.0.0.5;10.0.0.6 at 7']]);
    expect(problemsOf(statefulPod(annotations, 'web-x'), cluster)[0]).toContain('has no number');
  });

  it('may be an IPPool of the Subnet', () => {
    expect(nicWith({ ip_pool: 'pool1' }).attempts).toEqual(['dual pool1']);
  });

  it('may be an IPPool for a StatefulSet, too', () => {
    const pod = statefulPod(annotated({ ip_pool: 'pool1' }), 'web-1');
    expect(nicsOf(pod, cluster).map((nic) => short(nic).attempts)).toEqual([['dual pool1']]);
  });

  it.each([
    ['is not there', 'none', 'failed to get ippool none: not found'],
    ['is wrong', 'wrong', 'ippool wrong is not valid: invalid ip range x in ippool wrong'],
    ['is another Subnet’s', 'elsewhere', 'ippool elsewhere is of subnet macvlan'],
    ['is a CIDR (T8)', '10.0.0.0/24', 'failed to parse IP 10.0.0.0/24'],
  ])('is refused where it %s', (_, ip_pool, message) => {
    expect(problemsWith({ ip_pool })[0]).toContain(message);
  });
});

describe('a NIC that has its addresses', () => {
  const given = {
    allocated: 'true',
    ip_address: '10.0.0.9,fd00::9',
    cidr: '10.0.0.0/16,fd00::/64',
  };

  it('has them again, with its MAC, whatever is asked for now', () => {
    const nic = nicWith(
      { ...given, mac_address: '02:00:00:00:00:09', ip_pool: 'none', ip_family: '' },
      { ips: ['10.0.0.3'], mac: '02:00:00:00:00:03' },
    );
    expect(nic).toMatchObject({ attempts: ['dual 10.0.0.9,fd00::9'], mac: '02:00:00:00:00:09' });
  });

  it('has them again where they are not of the Subnet any more', () => {
    expect(nicWith({ allocated: 'true', ip_address: '192.168.0.9' }).attempts).toEqual([
      'dual 192.168.0.9',
    ]);
  });

  it('has none again where it had none', () => {
    const values = { allocated: 'true', ip_address: '', logical_switch: 'underlay' };
    expect(nicWith(values).attempts).toEqual(['underlay any']);
  });

  it('is told from one that only asks for them', () => {
    const isPublished = (values: Record<string, string>) =>
      nicsOf(podOf(annotated(values)), cluster).map((nic) => nic.isPublished);
    expect(isPublished(given)).toEqual([true]);
    expect(isPublished({ ip_address: '10.0.0.9' })).toEqual([false]);
    expect(isPublished({ ip_address: '10.0.0.9', allocated: 'True' })).toEqual([false]);
  });

  it('is refused where they cannot be read', () => {
    expect(problemsWith({ allocated: 'true', ip_address: 'x' })[0]).toContain('failed to parse IP');
  });
});
