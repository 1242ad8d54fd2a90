import { expect, it } from 'vitest';
import {
  desiredPort,
  listsSecurityGroup,
  securityGroupsOf,
} from '../../../../../src/controller/kinds/pod/desired-port.ts';
import type { AllocatedNic } from '../../../../../src/controller/kinds/pod/object/allocated-nic.ts';
import { address, subnetOf } from '../object-support.ts';

const nic: AllocatedNic = {
  kind: 'ovn',
  provider: 'net.shop.ovn',
  port: 'web-0.shop.net.shop.ovn',
  subnet: subnetOf({ cidrBlock: '10.1.0.0/24', provider: 'net.shop.ovn', vpc: 'tenant' }, 'front'),
  addresses: [address('10.1.0.5')],
  mac: '02:00:00:00:00:05',
};
const key = (name: string) => `net.shop.ovn.kubernetes.io/${name}`;
const nothing = () => false;

it('a NIC that asks for nothing more has a port with its addresses', () => {
  expect(desiredPort(nic, {}, nothing)).toEqual({
    name: 'web-0.shop.net.shop.ovn',
    subnet: 'front',
    vpc: 'tenant',
    mac: '02:00:00:00:00:05',
    addresses: [address('10.1.0.5')],
    takesUnknown: false,
    isSecured: false,
    virtualAddresses: [],
    securityGroups: [],
  });
});

it('the port has what the annotations of its NIC say', () => {
  const annotations = {
    [key('layer2_forward')]: 'true',
    [key('port_security')]: 'true',
    [key('port_vips')]: '10.1.0.100, nonsense,,FD00::1',
    [key('security_groups')]: 'web, db',
  };
  expect(desiredPort(nic, annotations, (name) => name === 'db')).toMatchObject({
    takesUnknown: true,
    isSecured: true,
    virtualAddresses: [address('10.1.0.100'), address('fd00::1')],
    securityGroups: [
      { name: 'web', exists: false },
      { name: 'db', exists: true },
    ],
  });
});

it('annotations of other NICs are not of this one', () => {
  const annotations = {
    'ovn.kubernetes.io/port_security': 'true',
    'shop.ovn.kubernetes.io/security_groups': 'web',
    [key('layer2_forward')]: 'yes',
  };
  expect(desiredPort(nic, annotations, nothing)).toEqual(desiredPort(nic, {}, nothing));
});

it('SecurityGroups count once, in the order in which the pod lists them', () => {
  const annotations = { [key('security_groups')]: ' web ,db,web,, ' };
  expect(securityGroupsOf(annotations, 'net.shop.ovn')).toEqual(['web', 'db']);
  expect(securityGroupsOf(annotations, 'ovn')).toEqual([]);
});

it('a pod lists a SecurityGroup for whichever NIC', () => {
  const annotations = { [key('security_groups')]: 'web, db', [key('port_vips')]: 'front' };
  const lists = (group: string) => listsSecurityGroup(annotations, group);
  expect(['web', 'db', 'we', 'front', ''].map(lists)).toEqual([true, true, false, false, false]);
});
