import { describe, expect, it } from 'vitest';
import {
  NETWORK_STATUS_ANNOTATION,
  networkStatus,
  networkStatusesOf,
  networkStatusText,
} from '../../lab/network-status.ts';

const request = { ifName: 'net1', network: 'default/macvlan', config: { type: 'macvlan' } };
const sandbox = '/run/netns/pod';

describe('the status of an interface', () => {
  it('has the name of its network, and addresses without their lengths', () => {
    const status = networkStatus(request, {
      cniVersion: '0.3.0',
      interfaces: [{ name: 'net1', mac: '02:00:00:00:00:01', sandbox }],
      ips: [
        { version: '4', address: '172.17.0.11/16', interface: 0 },
        { version: '6', address: 'fd00:172:17::b/64', interface: 0 },
      ],
      dns: {},
    });
    expect(status).toEqual({
      name: 'default/macvlan',
      interface: 'net1',
      ips: ['172.17.0.11', 'fd00:172:17::b'],
      mac: '02:00:00:00:00:01',
      dns: {},
    });
  });

  it('is of the interface in the pod, and says that it is the default one', () => {
    const status = networkStatus(
      { ...request, ifName: 'eth0', network: 'other', isDefault: true },
      {
        cniVersion: '1.0.0',
        interfaces: [
          { name: 'other0', mac: '02:00:00:00:00:02' },
          { name: 'veth0', mac: '02:00:00:00:00:03', sandbox: '' },
          { name: 'eth0', mac: '02:00:00:00:00:04', mtu: 1400, sandbox },
        ],
        ips: [{ address: '10.244.0.2/24', interface: 2, gateway: '10.244.0.1' }],
        routes: [{ dst: '0.0.0.0/0', gw: '10.244.0.1' }, { dst: '10.0.0.0/8' }],
      },
    );
    expect(status).toEqual({
      name: 'other',
      interface: 'eth0',
      ips: ['10.244.0.2'],
      mac: '02:00:00:00:00:04',
      mtu: 1400,
      default: true,
      gateway: ['10.244.0.1'],
      dns: {},
    });
  });

  it('of a plugin that tells nothing is its name', () => {
    expect(networkStatus(request, { cniVersion: '1.0.0' })).toEqual({
      name: 'default/macvlan',
      dns: {},
    });
  });

  it('is read back from the annotation', () => {
    const statuses = [networkStatus(request, { cniVersion: '1.0.0' })];
    const annotations = { [NETWORK_STATUS_ANNOTATION]: networkStatusText(statuses) };
    expect(networkStatusesOf(annotations)).toEqual(statuses);
    expect(networkStatusesOf({})).toEqual([]);
  });
});
