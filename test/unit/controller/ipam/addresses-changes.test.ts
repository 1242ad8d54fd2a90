import { describe, expect, it } from 'vitest';
import type { IpObject } from '../../../../src/controller/kinds/ip/object/ip.ts';
import type { Pod } from '../../../../src/controller/kinds/pod/object/pod.ts';
import { shows } from '../support.ts';
import { frontSubnet, ipOf, podWith, setUpAddresses } from './addresses-support.ts';

const RESERVED = { 'ovn.kubernetes.io/ip_reserved': 'true' };

/** Subnet `front` is known, and what comes then is told of as the leader does. */
async function setUp(objects: Parameters<typeof setUpAddresses>[0] = []) {
  const all = await setUpAddresses([frontSubnet(), ...objects]);
  const { addresses, server, cluster } = all;
  addresses.refresh();
  return {
    ...all,
    ipComes: async (object: Parameters<typeof server.create>[0]) => {
      const { metadata } = server.create(object);
      await shows(cluster.ips, () => cluster.ips.get(metadata.name) !== undefined);
      addresses.adoptIp(cluster.ips.get(metadata.name) as IpObject);
    },
    ipIsReserved: async (name: string, isReserved: boolean) => {
      const labels = { 'ovn.kubernetes.io/ip_reserved': String(isReserved) };
      const { resourceVersion } = server.patch('IP', name, { metadata: { labels } }).metadata;
      const of = () => cluster.ips.get(name);
      await shows(cluster.ips, () => of()?.meta.resourceVersion === resourceVersion);
      addresses.adoptIp(of() as IpObject);
    },
    /** A pod comes, and says that it was given its NIC. @returns why it does not keep it */
    podComes: async (object: Parameters<typeof server.create>[0]) => {
      const { metadata } = server.create(object);
      const key = `shop/${metadata.name}`;
      await shows(cluster.pods, () => cluster.pods.get(key) !== undefined);
      const pod = cluster.pods.get(key) as Pod;
      const port = `${metadata.name}.shop`;
      return addresses.adoptRunning(pod, new Set([port])).get(port)?.message;
    },
    [Symbol.asyncDispose]: all[Symbol.asyncDispose],
  };
}

describe('an IP object that comes', () => {
  it('says what is in use, whoever made it', async () => {
    await using all = await setUp();
    await all.ipComes(ipOf('a', '10.1.0.2'));
    expect(all.owners('10.1.0.2')).toEqual(['shop/a']);
    expect(all.allocate('b')).toBe('10.1.0.3');
  });

  it('takes nothing from who has it already, and that is told', async () => {
    await using all = await setUp([podWith('b', '10.1.0.2')]);
    await all.ipComes(ipOf('a', '10.1.0.2'));
    expect(all.owners('10.1.0.2')).toEqual(['shop/b']);
    expect(all.errors()).toEqual([expect.stringContaining('AddressConflict')]);
  });

  it('changes nothing of what its NIC has', async () => {
    await using all = await setUp([podWith('a', '10.1.0.2')]);
    await all.ipComes(ipOf('a', '10.1.0.5'));
    expect(all.owners('10.1.0.2')).toEqual(['shop/a']);
    expect(all.owners('10.1.0.5')).toEqual([]);
  });

  it('is only a request as long as nobody has worked on it', async () => {
    await using all = await setUp();
    const { metadata, ...object } = ipOf('a', '10.1.0.2');
    await all.ipComes({ ...object, metadata: { ...metadata, finalizers: [] } });
    expect(all.owners('10.1.0.2')).toEqual([]);
  });

  it('says nothing of a Subnet that is not there', async () => {
    await using all = await setUp();
    all.server.delete('Subnet', 'front');
    await all.seesSubnet('front', undefined);
    all.addresses.invalidate();
    await all.ipComes(ipOf('a', '10.1.0.2'));
    expect(all.errors()).toEqual([]);
  });
});

describe('a Subnet that is held back, since somebody would be cut off', () => {
  it('may change where one goes that would be, and not for any other', async () => {
    await using all = await setUp([ipOf('in', '10.1.0.2'), ipOf('out', '10.1.0.6')]);
    const { addresses, cluster, server } = all;
    const ipNamed = (name: string) => cluster.ips.get(name) as IpObject;
    const [inside, outside] = [ipNamed('in.shop'), ipNamed('out.shop')];
    expect(addresses.mayChange('front', [outside])).toBe(false);
    await all.change('Subnet', 'front', { cidrBlock: '10.1.0.0/30' });
    addresses.refresh();
    expect(addresses.subnet('front')?.isHeldBack).toBe(true);
    expect(addresses.mayChange('front', [inside])).toBe(false);
    // It is there still.
    expect(addresses.mayChange('front', [outside])).toBe(false);
    server.delete('IP', 'out.shop');
    server.patch('IP', 'out.shop', { metadata: { finalizers: [] } });
    await shows(cluster.ips, () => cluster.ips.get('out.shop') === undefined);
    expect(addresses.mayChange('front', [inside])).toBe(false);
    expect(addresses.mayChange('front', [outside])).toBe(true);
  });
});

describe('a reservation', () => {
  const release = { nic: 'a.shop', pod: 'shop/a' };

  it('begins when the IP object says so', async () => {
    await using all = await setUp([podWith('a', '10.1.0.2'), ipOf('a', '10.1.0.2')]);
    await all.ipIsReserved('a.shop', true);
    all.addresses.allocator.release(release);
    expect(all.owners('10.1.0.2')).toEqual(['shop/a']);
  });

  it('ends when the IP object says so', async () => {
    await using all = await setUp([podWith('a', '10.1.0.2'), ipOf('a', '10.1.0.2', RESERVED)]);
    all.addresses.allocator.release(release);
    expect(all.owners('10.1.0.2')).toEqual(['shop/a']);
    await all.ipIsReserved('a.shop', false);
    all.addresses.allocator.release(release);
    expect(all.owners('10.1.0.2')).toEqual([]);
  });
});

describe('a pod that says what it was given, and of which no IP object says so', () => {
  it('keeps it where it runs and nobody else has it', async () => {
    await using all = await setUp();
    await all.podComes(podWith('a', '10.1.0.2'));
    expect(all.allocate('b')).toBe('10.1.0.3');
  });

  it('has nothing where it does not run yet: it may have copied that', async () => {
    await using all = await setUp();
    await all.podComes(podWith('a', '10.1.0.2', { phase: 'Pending' }));
    expect(all.allocate('b')).toBe('10.1.0.2');
  });

  it('takes nothing from who has it already', async () => {
    await using all = await setUp();
    expect(all.allocate('b')).toBe('10.1.0.2');
    expect(await all.podComes(podWith('a', '10.1.0.2'))).toContain('AddressConflict');
    expect(all.owners('10.1.0.2')).toEqual(['shop/b']);
  });

  it.each([
    ['the gateway', '10.1.0.1', 'AddressConflict'],
    ['out of range', '10.9.0.9', 'AddressOutOfRange'],
    ['excluded', '10.1.0.6', 'AddressOutOfRange'],
  ])('does not get what is %s, also where it runs', async (_, address, reason) => {
    await using all = await setUp();
    await all.change('Subnet', 'front', { excludeIps: ['10.1.0.6'] });
    expect(await all.podComes(podWith('a', address))).toContain(reason);
    expect(all.owners(address)).toEqual([]);
  });
});

it('addresses of nodes are known as they are now', async () => {
  const node = (name: string, address: string) => ({
    kind: 'Node',
    metadata: { name },
    status: { addresses: [{ type: 'InternalIP', address }] },
  });
  await using all = await setUp([node('node-1', '192.168.0.1')]);
  const known = () => all.addresses.ofNodes.map(({ text }) => text);
  expect(known()).toEqual(['192.168.0.1']);
  all.server.create(node('node-2', '192.168.0.2'));
  await shows(all.cluster.nodes, () => all.cluster.nodes.get('node-2') !== undefined);
  all.addresses.invalidate();
  expect(known()).toEqual(['192.168.0.1', '192.168.0.2']);
});
