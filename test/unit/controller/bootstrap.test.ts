import { describe, expect, it } from 'vitest';
import { KubernetesApi, KubernetesError } from '../../../src/common/kubernetes/api.ts';
import { bootstrap, onReference } from '../../../src/controller/bootstrap.ts';
import { parseFlags } from '../../../src/controller/config/flags.ts';
import { LeaderWrites } from '../../../src/controller/leadership/leader-writes.ts';
import { CONTROLLER, type NewObject } from '../../lab/kubernetes/api.ts';
import { configOf } from '../common/kubernetes/support.ts';
import { kubeOvn, setUpCluster, start } from './support.ts';

const OVN = '--ovn-nb-addr=tcp:127.0.0.1:6641';

const KINDS = ['vpcs', 'subnets', 'vlans', 'providerNetworks', 'nads', 'ipPools'] as const;

/**
 * A cluster that the controller knows, and a bootstrap with these flags.
 * @param listed the kinds whose first list has come
 */
async function setUp(
  argv: readonly string[],
  objects: readonly NewObject[] = [],
  listed: readonly (typeof KINDS)[number][] = KINDS,
) {
  const options = parseFlags(argv, { POD_NAME: 'pod-a' });
  const all = await setUpCluster(objects, options.settings);
  const { cluster, server } = all;
  await start(...listed.map((kind) => cluster[kind]));
  await server.watches.waitForCount(listed.length);
  const api = new KubernetesApi(configOf(server, CONTROLLER));
  const lost = new AbortController().signal;
  const leadership = { lost, throwIfLost: () => {}, release: async () => {} };
  const writes = new LeaderWrites(api, leadership);
  const dispose = async () => {
    api.destroy();
    await all[Symbol.asyncDispose]();
  };
  return {
    server,
    run: () => bootstrap(options, cluster, writes),
    /** Resolves when something new refers to the default Subnet. */
    referred: () =>
      new Promise<void>((resolve) => {
        onReference(options, cluster, resolve);
      }),
    specs: (kind: string) =>
      Object.fromEntries(server.list(kind).map(({ metadata, spec }) => [metadata.name, spec])),
    created: () => server.requests.count({ verb: 'create' }),
    [Symbol.asyncDispose]: dispose,
  };
}

const join = { vpc: 'ovn-cluster', provider: 'ovn', cidrBlock: '100.64.0.0/16' };
const pods = {
  vpc: 'ovn-cluster',
  provider: 'ovn',
  cidrBlock: '10.16.0.0/16',
  default: true,
  natOutgoing: true,
  disableGatewayCheck: false,
};

describe('an empty cluster', () => {
  it('begins with the default Vpc, and the Subnets of pods and nodes', async () => {
    await using all = await setUp([OVN]);
    await all.run();
    expect(all.specs('Vpc')).toEqual({ 'ovn-cluster': {} });
    expect(all.specs('Subnet')).toEqual({ join, 'ovn-default': pods });
    expect(all.specs('Vlan')).toEqual({});
  });

  it('has only the Vpc where no OVN is', async () => {
    await using all = await setUp([]);
    await all.run();
    expect(all.specs('Vpc')).toEqual({ 'ovn-cluster': {} });
    expect(all.created()).toBe(1);
  });

  it('has what the flags say', async () => {
    await using all = await setUp([
      OVN,
      '--cluster-router=vpc',
      '--default-ls=pods',
      '--default-cidr=10.1.0.0/16,fd00:1::/64',
      '--default-gateway=10.1.0.9,fd00:1::9',
      '--default-exclude-ips=10.1.0.9..10.1.0.20',
      '--default-gateway-check=false',
      '--node-switch=nodes',
      '--node-switch-cidr=fd00:2::/64',
      '--node-switch-gateway=fd00:2::1',
    ]);
    await all.run();
    expect(all.specs('Vpc')).toEqual({ vpc: {} });
    expect(all.specs('Subnet')).toEqual({
      nodes: { vpc: 'vpc', provider: 'ovn', cidrBlock: 'fd00:2::/64', gateway: 'fd00:2::1' },
      pods: {
        ...pods,
        vpc: 'vpc',
        cidrBlock: '10.1.0.0/16,fd00:1::/64',
        gateway: '10.1.0.9,fd00:1::9',
        excludeIps: ['10.1.0.9..10.1.0.20'],
        disableGatewayCheck: true,
      },
    });
  });

  it('has pods in a Vlan where the flags say that', async () => {
    const underlay = ['--network-type=vlan', '--default-interface-name=eth1'];
    const vlan = ['--default-vlan-name=outside', '--default-vlan-id=7'];
    const logical = ['--default-provider-name=fabric', '--default-logical-gateway'];
    const names = '--default-exchange-link-name';
    await using all = await setUp([OVN, ...underlay, ...vlan, ...logical, names]);
    await all.run();
    expect(all.specs('ProviderNetwork')).toEqual({
      fabric: { defaultInterface: 'eth1', exchangeLinkName: true },
    });
    expect(all.specs('Vlan')).toEqual({ outside: { id: 7, provider: 'fabric' } });
    expect(all.specs('Subnet')).toEqual({
      join,
      'ovn-default': {
        ...pods,
        vlan: 'outside',
        logicalGateway: true,
        u2oInterconnection: false,
      },
    });
  });

  it('has that joined to the overlay where a flag says that', async () => {
    const underlay = ['--network-type=vlan', '--default-interface-name=eth1'];
    await using all = await setUp([OVN, ...underlay, '--default-u2o-interconnection']);
    await all.run();
    expect(all.specs('Subnet')['ovn-default']).toMatchObject({
      vlan: 'ovn-vlan',
      logicalGateway: false,
      u2oInterconnection: true,
    });
  });

  it('is left without a kind that cannot be listed, and gets the rest', async () => {
    await using all = await setUp([OVN], [], ['subnets', 'vlans']);
    await all.run();
    expect(all.specs('Vpc')).toEqual({});
    expect(all.specs('Subnet')).toEqual({ join, 'ovn-default': pods });
  });

  it('is told what the server refuses', async () => {
    await using all = await setUp([OVN]);
    all.server.faults.failNext(1, 422, { verb: 'create', path: '/apis/kubeovn.io/v1/subnets' });
    const failure = all.run().catch((error: unknown) => error);
    expect(await failure).toBeInstanceOf(KubernetesError);
    expect(await failure).toMatchObject({ status: 422 });
  });
});

describe('in non-primary mode', () => {
  const MODE = '--non-primary-cni-mode';
  const nad = (provider: string) => ({
    kind: 'NetworkAttachmentDefinition',
    metadata: { name: 'attachnet', namespace: 'default' },
    spec: { config: JSON.stringify({ type: 'kube-ovn', provider }) },
  });

  it('there is no Subnet of the primary network nor of nodes: both are another plugin’s', async () => {
    await using all = await setUp([OVN, MODE], [nad('attachnet.default.ovn')]);
    await all.run();
    expect(all.specs('Vpc')).toEqual({ 'ovn-cluster': {} });
    expect(all.specs('Subnet')).toEqual({});
  });

  it('both are there where --default-ls names the first, as both charts do', async () => {
    await using all = await setUp([OVN, MODE, '--default-ls=ovn-default']);
    await all.run();
    expect(Object.keys(all.specs('Subnet')).sort()).toEqual(['join', 'ovn-default']);
  });

  it.each<[what: string, object: NewObject]>([
    ['a network of provider ovn', nad('ovn')],
    ['an IPPool', kubeOvn('IPPool', 'pool', { subnet: 'ovn-default', ips: ['10.16.0.9'] })],
    ['a Vpc', kubeOvn('Vpc', 'vpc', { defaultSubnet: 'ovn-default' })],
  ])('both come with %s that refers to the first, be it before or later', async (_, object) => {
    await using before = await setUp([OVN, MODE], [object]);
    await before.run();
    expect(before.specs('Subnet')).toEqual({ join, 'ovn-default': pods });
    await using later = await setUp([OVN, MODE]);
    await later.run();
    const referred = later.referred();
    later.server.create(object);
    await referred;
    await later.run();
    expect(later.specs('Subnet')).toEqual({ join, 'ovn-default': pods });
  });
});

describe('what is there', () => {
  const own = [
    kubeOvn('Vpc', 'ovn-cluster', { namespaces: ['mine'] }),
    kubeOvn('Subnet', 'join', { cidrBlock: '100.65.0.0/16' }),
    kubeOvn('Subnet', 'ovn-default', { cidrBlock: '10.17.0.0/16' }),
    kubeOvn('Vlan', 'ovn-vlan', { id: 9, provider: 'provider' }),
    kubeOvn('ProviderNetwork', 'provider', { defaultInterface: 'eth7' }),
  ];
  const argv = [OVN, '--network-type=vlan', '--default-interface-name=eth1'];

  it('stays as it is, and nothing is asked', async () => {
    await using all = await setUp(argv, own);
    await all.run();
    expect(all.created()).toBe(0);
    expect(all.specs('Subnet')['ovn-default']).toEqual({ cidrBlock: '10.17.0.0/16' });
  });

  it('has no network made for a Vlan that is in another one', async () => {
    const elsewhere = kubeOvn('Vlan', 'ovn-vlan', { id: 9, provider: 'fabric' });
    await using all = await setUp(argv, [elsewhere]);
    await all.run();
    expect(all.specs('ProviderNetwork')).toEqual({});
  });

  it('though the controller does not know it yet stays as it is, and the rest is made', async () => {
    await using all = await setUp(argv);
    // No watch brings it before the requests are answered with a conflict.
    all.server.watches.muteAll();
    for (const object of own.slice(0, 2)) all.server.create(object);
    await all.run();
    expect(all.specs('Vpc')).toEqual({ 'ovn-cluster': { namespaces: ['mine'] } });
    expect(all.specs('Subnet').join).toEqual({ cidrBlock: '100.65.0.0/16' });
    expect(all.specs('Subnet')).toHaveProperty('ovn-default');
    expect(all.created()).toBe(5);
  });
});
