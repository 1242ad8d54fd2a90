import { describe, expect, it } from 'vitest';
import { kubeOvn } from '../support.ts';
import { frontSubnet, ipOf, podWith, SMALL, setUpAddresses } from './addresses-support.ts';

const NONE = { subnets: [], ipPools: [] };
const pool = (name: string, ...ips: string[]) => kubeOvn('IPPool', name, { subnet: 'front', ips });

describe('a look at the objects', () => {
  it('names what has changed, once', async () => {
    await using all = await setUpAddresses([frontSubnet(), pool('p', '10.1.0.4')]);
    expect(all.addresses.refresh()).toEqual({ subnets: ['front'], ipPools: ['p'] });
    expect(all.addresses.refresh()).toEqual(NONE);
    all.addresses.invalidate();
    expect(all.addresses.refresh()).toEqual(NONE);
    await all.change('Subnet', 'front', { excludeIps: ['10.1.0.2'] });
    expect(all.addresses.refresh()).toEqual({ subnets: ['front'], ipPools: [] });
  });

  it('happens only where somebody said that there is a change', async () => {
    await using all = await setUpAddresses([frontSubnet()]);
    all.addresses.refresh();
    const { metadata } = all.server.create(kubeOvn('Subnet', 'back', { cidrBlock: '10.2.0.0/29' }));
    await all.seesSubnet('back', metadata.uid);
    expect(all.addresses.refresh()).toEqual(NONE);
    all.addresses.invalidate();
    expect(all.addresses.refresh().subnets).toEqual(['back']);
  });

  it('happens whoever asks', async () => {
    await using all = await setUpAddresses([frontSubnet(), pool('p', '10.1.0.4')]);
    const { addresses } = all;
    expect(addresses.subnet('front')?.checked).toHaveProperty('value');
    expect(addresses.view.subnets.get('front')?.checked).toHaveProperty('value');
    await all.change('IPPool', 'p', { ips: ['f::f::f/64'] });
    expect(addresses.ipPool('p')?.checked).toHaveProperty('problems');
    await all.change('Subnet', 'front', { gateway: '10.9.0.1' });
    expect(addresses.view.subnets.get('front')?.checked).toHaveProperty('problems');
    await all.change('Subnet', 'front', { gateway: '10.1.0.6' });
    expect(all.allocate('a')).toBe('10.1.0.1');
  });
});

describe('a Subnet', () => {
  it('that changes is not filled again with what was released', async () => {
    await using all = await setUpAddresses([frontSubnet(), podWith('a', '10.1.0.2')]);
    all.addresses.allocator.release({ nic: 'a.shop', pod: 'shop/a' });
    await all.change('Subnet', 'front', { excludeIps: ['10.1.0.6'] });
    expect(all.owners('10.1.0.2')).toEqual([]);
  });

  it('that is widened has more to allocate, and its pods keep what they have', async () => {
    await using all = await setUpAddresses([frontSubnet(), podWith('a', '10.1.0.2')]);
    all.addresses.refresh();
    await all.change('Subnet', 'front', {
      cidrBlock: '10.1.0.0/24',
      excludeIps: ['10.1.0.3..10.1.0.99'],
    });
    expect(all.allocate('b')).toBe('10.1.0.100');
    expect(all.owners('10.1.0.2')).toEqual(['shop/a']);
  });

  it('that becomes wrong keeps what it has, and so does one that is right again', async () => {
    await using all = await setUpAddresses([frontSubnet(), podWith('a', '10.1.0.2')]);
    expect(all.allocate('b')).toBe('10.1.0.3');
    await all.change('Subnet', 'front', { cidrBlock: 'f::f::f/64' });
    expect(all.addresses.refresh().subnets).toEqual(['front']);
    expect(all.owners('10.1.0.2')).toEqual(['shop/a']);
    expect(all.owners('10.1.0.3')).toEqual(['shop/b']);
    await all.change('Subnet', 'front', { cidrBlock: SMALL });
    expect(all.allocate('c')).toBe('10.1.0.4');
    expect(all.owners('10.1.0.3')).toEqual(['shop/b']);
  });

  it('that was wrong from the beginning is filled when it is right', async () => {
    await using all = await setUpAddresses([
      frontSubnet({ cidrBlock: 'f::f::f/64' }),
      podWith('a', '10.1.0.2'),
      ipOf('gone', '10.1.0.3'),
    ]);
    expect(() => all.allocate('b')).toThrow('NoSubnet');
    await all.change('Subnet', 'front', { cidrBlock: SMALL });
    expect(all.allocate('b')).toBe('10.1.0.4');
  });

  it('that is deleted has nothing, and made again it is filled before anything is allocated', async () => {
    const objects = [podWith('a', '10.1.0.2'), ipOf('gone', '10.1.0.3')];
    await using all = await setUpAddresses([frontSubnet(), ...objects]);
    expect(all.allocate('b')).toBe('10.1.0.4');
    all.server.delete('Subnet', 'front');
    await all.seesSubnet('front', undefined);
    all.addresses.invalidate();
    expect(() => all.allocate('c')).toThrow('NoSubnet');
    expect(all.owners('10.1.0.2')).toEqual([]);
    const { metadata } = all.server.create(frontSubnet());
    await all.seesSubnet('front', metadata.uid);
    all.addresses.invalidate();
    // Nothing says any more that b had 10.1.0.4.
    expect(all.allocate('c')).toBe('10.1.0.4');
    expect(all.owners('10.1.0.2')).toEqual(['shop/a']);
    expect(all.owners('10.1.0.3')).toEqual(['shop/gone']);
  });

  it('that is deleted and made again between two looks is no other to its pods', async () => {
    await using all = await setUpAddresses([frontSubnet(), podWith('a', '10.1.0.2')]);
    all.addresses.refresh();
    all.server.delete('Subnet', 'front');
    const { metadata } = all.server.create(frontSubnet());
    await all.seesSubnet('front', metadata.uid);
    all.addresses.invalidate();
    expect(all.addresses.refresh().subnets).toEqual(['front']);
    expect(all.allocate('b')).toBe('10.1.0.3');
  });

  it('that comes later is filled, and the others are not filled again', async () => {
    await using all = await setUpAddresses([frontSubnet(), podWith('a', '10.1.0.2')]);
    all.addresses.allocator.release({ nic: 'a.shop', pod: 'shop/a' });
    const back = kubeOvn('Subnet', 'back', { cidrBlock: '10.2.0.0/29' });
    const { metadata } = all.server.create(back);
    await all.seesSubnet('back', metadata.uid);
    all.addresses.invalidate();
    expect(all.addresses.allocator.usage('back')).toBeDefined();
    expect(all.owners('10.1.0.2')).toEqual([]);
  });
});

describe('an IPPool', () => {
  it('has its addresses for who names it', async () => {
    await using all = await setUpAddresses([frontSubnet(), pool('p', '10.1.0.2..10.1.0.3')]);
    expect(all.allocate('a')).toBe('10.1.0.4');
    expect(all.allocate('b', { pool: 'p' })).toBe('10.1.0.2');
  });

  it('that changes releases what it had', async () => {
    await using all = await setUpAddresses([frontSubnet(), pool('p', '10.1.0.2')]);
    all.addresses.refresh();
    await all.change('IPPool', 'p', { ips: ['10.1.0.5'] });
    expect(all.allocate('a')).toBe('10.1.0.2');
    expect(all.allocate('b', { pool: 'p' })).toBe('10.1.0.5');
  });

  it.each(['a', 'b'])('may swap its ranges with another one, beginning with %s', async (first) => {
    const ranges = { a: '10.1.0.2..10.1.0.3', b: '10.1.0.5..10.1.0.6' };
    await using all = await setUpAddresses([
      frontSubnet(),
      pool('a', ranges.a),
      pool('b', ranges.b),
    ]);
    all.addresses.refresh();
    const swapped = { a: ranges.b, b: ranges.a };
    const order = first === 'a' ? (['a', 'b'] as const) : (['b', 'a'] as const);
    for (const name of order) await all.change('IPPool', name, { ips: [swapped[name]] });
    expect(all.allocate('x', { pool: 'a' })).toBe('10.1.0.5');
    expect(all.allocate('y', { pool: 'b' })).toBe('10.1.0.2');
    expect(all.errors()).toEqual([]);
  });

  it('is there as soon as its Subnet is, and again with one that was made again', async () => {
    await using all = await setUpAddresses([pool('p', '10.1.0.2')]);
    expect(all.addresses.ipPool('p')?.checked).toHaveProperty('problems');
    for (const [round, name] of ['a', 'b'].entries()) {
      if (round > 0) {
        all.server.delete('Subnet', 'front');
        await all.seesSubnet('front', undefined);
        all.addresses.invalidate();
        all.addresses.refresh();
      }
      const { metadata } = all.server.create(frontSubnet());
      await all.seesSubnet('front', metadata.uid);
      all.addresses.invalidate();
      expect(all.allocate(`${name}-any`)).toBe('10.1.0.3');
      expect(all.allocate(name, { pool: 'p' })).toBe('10.1.0.2');
    }
  });

  it('that is being deleted, or becomes wrong, has none', async () => {
    const metadata = { finalizers: ['kubeovn.io/kube-ovn-controller'] };
    await using all = await setUpAddresses([
      frontSubnet(),
      kubeOvn('IPPool', 'p', { subnet: 'front', ips: ['10.1.0.2'] }, metadata),
      pool('q', '10.1.0.3'),
    ]);
    all.addresses.refresh();
    all.server.delete('IPPool', 'p');
    await all.change('IPPool', 'q', { ips: ['f::f::f/64'] });
    expect(all.allocate('a')).toBe('10.1.0.2');
    expect(all.allocate('b')).toBe('10.1.0.3');
    expect(() => all.allocate('c', { pool: 'q' })).toThrow('NoAvailableAddress');
  });

  it('whose Subnet becomes wrong keeps its addresses', async () => {
    await using all = await setUpAddresses([frontSubnet(), pool('p', '10.1.0.2')]);
    all.addresses.refresh();
    await all.change('Subnet', 'front', { gateway: '10.9.0.1' });
    expect(all.allocate('a')).toBe('10.1.0.3');
    expect(all.allocate('b', { pool: 'p' })).toBe('10.1.0.2');
  });
});
