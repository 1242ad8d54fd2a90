/** What tests of NICs on provider networks share: Subnets on the network physnet, and pods on them. */
import type { NicPlan, SubnetPlan } from '../lab/cluster.ts';
import type { NetworkConfig, Sandbox } from '../lab/runtime.ts';
import { type Fixture, ovnConfig } from './fixture.ts';

/** The provider network, by the name that OVN's mapping has. */
export const PHYSNET = 'physnet';

/** The provider network as an object, and the daemon's bridge with this card of the node. */
export async function connectCard({ api, node }: Pick<Fixture, 'api' | 'node'>, card: string) {
  api.create({
    kind: 'ProviderNetwork',
    metadata: { name: PHYSNET },
    spec: { defaultInterface: card },
  });
  const ready = `${PHYSNET}.provider-network.kubernetes.io/ready`;
  await api.until('Node', node.chassis, ({ metadata }) => metadata.labels?.[ready] === 'true');
}

export interface UnderlayOptions {
  readonly name: string;
  /** Its CIDRs are 10.<octet>.0.0/16 and fd00:10:<octet>::/64, its gateways .1 and ::1. */
  readonly octet: number;
  /** 0 for frames without a tag. */
  readonly vlan: number;
  /** More of the Subnet's spec. */
  readonly spec?: Readonly<Record<string, unknown>>;
}

/** A Subnet on the provider network, alone in its VLAN: objects, logical switch and localnet port, as the controller makes them. */
export async function createUnderlay(
  { api, node }: Pick<Fixture, 'api' | 'node'>,
  { name, octet, vlan, spec }: UnderlayOptions,
): Promise<SubnetPlan> {
  const plan = {
    name,
    provider: `${name}.default.ovn`,
    cidrBlock: `10.${octet}.0.0/16,fd00:10:${octet}::/64`,
    gateway: `10.${octet}.0.1,fd00:10:${octet}::1`,
  };
  const id = { id: vlan, provider: PHYSNET };
  api.create({ kind: 'Vlan', metadata: { name: `vlan${vlan}` }, spec: id });
  api.create({
    kind: 'Subnet',
    metadata: { name },
    spec: { ...plan, vlan: `vlan${vlan}`, ...spec },
  });
  const localnet = `localnet.${name}`;
  await node.nbctl(
    ...['ls-add', name, '--', 'lsp-add', name, localnet],
    ...['--', 'lsp-set-type', localnet, 'localnet'],
    ...['--', 'lsp-set-addresses', localnet, 'unknown'],
    ...['--', 'lsp-set-options', localnet, `network_name=${PHYSNET}`],
    ...(vlan === 0 ? [] : ['--', 'set', 'Logical_Switch_Port', localnet, `tag=${vlan}`]),
  );
  return plan;
}

/** A pod with a NIC on such a Subnet; `more` are annotations of the NIC. */
export async function podOnUnderlay(
  fixture: Fixture,
  subnet: SubnetPlan,
  ip: string,
  more: Readonly<Record<string, string>> = {},
): Promise<{ pod: Sandbox['pod']; sandbox: Sandbox; nic: NicPlan }> {
  const own = { provider_network: PHYSNET, ...more };
  const nic = (made: NicPlan) => ({ ...made, provider: subnet.provider, subnet, ip, more: own });
  return await fixture.pod({ nic });
}

export function configOn({ provider }: SubnetPlan): NetworkConfig {
  return ovnConfig({ provider, cniVersion: '1.1.0' });
}
