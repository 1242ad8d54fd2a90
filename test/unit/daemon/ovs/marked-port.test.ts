import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readMarkedPort } from '../../../../src/daemon/ovs/marked-port.ts';
import { CONTAINER_ID, HOSTILE_TEXTS, NETNS } from '../support.ts';

const GO_IDS = {
  'iface-id': 'web-0.shop',
  vendor: 'kube-ovn',
  pod_name: 'web-0',
  pod_namespace: 'shop',
  pod_netns: NETNS,
};
const IDS = {
  ...GO_IDS,
  container_id: CONTAINER_ID,
  if_name: 'net1',
  provider: 'attachnet.default.ovn',
  network: 'attachnet',
};
const read = (externalIds: Record<string, string>) =>
  readMarkedPort({ name: 'c0ffee01_net1_h', externalIds, error: null, type: '' });

describe('a row that a clean-up may remove', () => {
  it('is one of ours, with its whole attachment', () => {
    expect(read(IDS)).toEqual({
      name: 'c0ffee01_net1_h',
      isOurs: true,
      attachment: {
        containerId: CONTAINER_ID,
        ifName: 'net1',
        pod: { namespace: 'shop', name: 'web-0' },
        provider: 'attachnet.default.ovn',
        network: 'attachnet',
        ipamOnly: false,
        netns: NETNS,
        routes: [],
      },
    });
  });

  it("is one of Kube-OVN's Go daemon, which has no key", () => {
    const port = read(GO_IDS);
    expect(port).toMatchObject({ isOurs: false, attachment: { containerId: '', ifName: '' } });
    expect(port?.attachment).toMatchObject({ netns: NETNS, provider: '', network: '' });
  });
});

describe('a row that no clean-up may remove', () => {
  const without = (key: keyof typeof IDS) => {
    const { [key]: _, ...others } = IDS;
    return others;
  };

  it.each([
    ['has no marks', {}],
    ["is another vendor's", { ...IDS, vendor: 'ovn-kubernetes' }],
    ['has no vendor', without('vendor')],
    ['does not say its namespace', without('pod_netns')],
    ['says an empty namespace', { ...IDS, pod_netns: '' }],
    ['says a namespace that is no absolute path', { ...IDS, pod_netns: 'run/netns/a' }],
    ['has a container id that can be none', { ...IDS, container_id: '../a' }],
    ['has an empty container id', { ...IDS, container_id: '' }],
    ['has no interface name', without('if_name')],
    ['has an interface name that can be none', { ...IDS, if_name: 'a/b' }],
  ])('%s', (_, ids) => {
    expect(read(ids as Record<string, string>)).toBeUndefined();
  });

  it.each(HOSTILE_TEXTS)('has a name that is no plain word: %j', (name) => {
    const row = { name, externalIds: IDS, error: null, type: '' };
    expect(readMarkedPort(row)?.name ?? 'none').toMatch(/^[\w.@+~-]{1,15}$/);
  });

  it.each(['if7', 'if12_h'])('has a name by which ip(8) means another link: %s', (name) => {
    expect(readMarkedPort({ name, externalIds: IDS, error: null, type: '' })).toBeUndefined();
  });

  it('never gives words that could be more than they are', async () => {
    const text = fc.oneof(fc.constantFrom(...HOSTILE_TEXTS), fc.string({ unit: 'binary' }));
    await fc.assert(
      fc.property(text, text, (container_id, if_name) => {
        const { containerId = 'a', ifName = 'a' } = read({ ...IDS, container_id, if_name })
          ?.attachment ?? { containerId: 'a', ifName: 'a' };
        expect(containerId).toMatch(/^[\w.-]{1,256}$/);
        expect(ifName).toMatch(/^[\w.@+~-]{1,15}$/);
      }),
    );
  });

  it.each(['internal', 'dpdk', 'geneve'])('is none of type %s, which has no link', (type) => {
    const row = { name: 'c0ffee01_net1_h', externalIds: IDS, error: null, type };
    expect(readMarkedPort(row)).toBeUndefined();
  });
});
