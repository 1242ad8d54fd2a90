/** What tests of NICs on provider networks share: Subnets on the network physnet, and pods on them. */
import type { NicPlan, SubnetPlan } from '../lab/cluster.ts';
import type { NetworkConfig, Sandbox } from '../lab/runtime.ts';
import { type Fixture, ovnConfig } from './fixture.ts';

/** The provider network, by the name that OVN's mapping has. */
export const PHYSNET = 'physnet';

export interface UnderlayOptions {
  readonly name: string;
  /** Its CIDRs are 10.<octet>.0.0/16 and fd00:10:<octet>::/64, its gateways .1 and ::1. */
  readonly octet: number;
  /** 0 for frames without a tag. */
  readonly vlan: number;
  /** More of the Subnet's spec. */
  readonly spec?: Readonly<Record<string, unknown>>;
}

/** A Subnet on the provider network: object, logical switch and localnet port, as the controller makes them. */
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
