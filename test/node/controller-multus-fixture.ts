/**
 * A dual stack cluster in primary mode for the cases of Kube-OVN's own acceptance tests for Multus:
 * its networks and pods, and the routes that they are to have.
 */
import { randomInt } from 'node:crypto';
import { expect } from 'vitest';
import type { Family } from '../../src/common/address.ts';
import { SOCKET } from '../lab/daemon.ts';
import { PRIMARY_CONFIG } from '../lab/multus.ts';
import type { Sandbox } from '../lab/runtime.ts';
import { ControllerFixture } from './controller-fixture.ts';
import { NETWORKS } from './controller-manifests.ts';
import { type Network, routesOf } from './controller-nic.ts';
import { conditionBecomes } from './controller-observe.ts';

export const NAMESPACE = 'multus';

/** By family: the IPv4 one first. */
type PerFamily = readonly [string, string];

/** A network of both families. */
export interface DualNetwork extends Network {
  readonly cidrs: PerFamily;
  readonly gateways: PerFamily;
}

export interface NetworkPlan {
  readonly name: string;
  readonly kind: Network['kind'];
  /** The network is 10.<octet>.0.0/16 and fd00:10:<octet>::/112. */
  readonly octet: number;
  /** Of the configuration: the plugin's own, or what it says for its addresses. */
  readonly routes?: readonly object[];
  /** Of the Subnet. */
  readonly spec?: object;
}

/** Where the primary network is, and the default routes that pods have by it. */
export const PRIMARY = {
  cidrs: ['10.16.0.0/16', 'fd00:10:16::/112'],
  gateways: ['10.16.0.1', 'fd00:10:16::1'],
} as const;

/** Primary mode, and the namespace of the tests; the cluster's own Subnets are ready. */
export async function startPrimaryCluster(): Promise<ControllerFixture> {
  const fixture = await ControllerFixture.start({
    flags: [
      `--default-cidr=${PRIMARY.cidrs}`,
      '--node-switch-cidr=100.64.0.0/16,fd00:100:64::/112',
    ],
    primary: PRIMARY_CONFIG,
    before: ({ api }) => {
      api.create({ kind: 'Namespace', metadata: { name: NAMESPACE } });
    },
  });
  await isReady(fixture, 'ovn-default');
  return fixture;
}

/** Makes a network and its Subnet, and waits until that is ready; its gateways are left to it. */
export async function network(fixture: ControllerFixture, plan: NetworkPlan): Promise<DualNetwork> {
  const { name, kind, octet, routes, spec } = plan;
  const provider = kind === 'macvlan' ? `${name}.${NAMESPACE}` : `${name}.${NAMESPACE}.ovn`;
  const subnet = `subnet-${name}`;
  const cidrs: PerFamily = [`10.${octet}.0.0/16`, `fd00:10:${octet}::/112`];
  fixture.apply(definition(name, kind, { provider, ...(routes && { routes }) }), {
    kind: 'Subnet',
    metadata: { name: subnet },
    spec: { cidrBlock: cidrs.join(','), provider, ...spec },
  });
  await isReady(fixture, subnet);
  const gateways: PerFamily = [`10.${octet}.0.1`, `fd00:10:${octet}::1`];
  return { namespace: NAMESPACE, name, kind, provider, subnet, cidrs, gateways };
}

/**
 * The object of a network.
 * @param own what its configuration says for us: to the plugin, or to the one for addresses
 */
export function definition(name: string, kind: Network['kind'], own: object) {
  const ours = { server_socket: SOCKET, ...own };
  const config =
    kind === 'kube-ovn'
      ? { cniVersion: '0.3.1', type: 'kube-ovn', ...ours }
      : {
          cniVersion: '0.3.1',
          type: 'macvlan',
          capabilities: { mac: true },
          master: 'eth0',
          mode: 'bridge',
          linkInContainer: false,
          ipam: { type: 'kube-ovn', ...ours },
        };
  return {
    kind: 'NetworkAttachmentDefinition',
    metadata: { name, namespace: NAMESPACE },
    spec: { config: JSON.stringify(config) },
  };
}

/** Waits until a Subnet may be used. */
export async function isReady(fixture: ControllerFixture, name: string): Promise<void> {
  await conditionBecomes(fixture, { kind: 'Subnet', name }, { type: 'Ready', status: 'True' });
}

/** A pod's manifest. @param networks the annotation's text, or what it has in JSON */
export function podManifest(
  name: string,
  networks: string | readonly object[],
  annotations: Readonly<Record<string, string>> = {},
) {
  const text = typeof networks === 'string' ? networks : JSON.stringify(networks);
  return {
    kind: 'Pod',
    metadata: { name, namespace: NAMESPACE, annotations: { [NETWORKS]: text, ...annotations } },
  };
}

/** A MAC as somebody would choose one: local and unicast, in lower case. */
export function chosenMac(): string {
  const bytes = Array.from({ length: 5 }, () => randomInt(256).toString(16).padStart(2, '0'));
  return ['02', ...bytes].join(':');
}

/**
 * Expects exactly these routes of a family besides those of eth0's own network.
 * @param routes in any order
 */
export async function expectRoutes(
  sandbox: Sandbox,
  family: Family,
  routes: readonly string[],
): Promise<void> {
  const [v4, v6] = PRIMARY.cidrs;
  const expected = [`${family === 'IPv4' ? v4 : v6} dev eth0`, ...routes];
  expect((await routesOf(sandbox, family)).sort()).toEqual(expected.sort());
}
