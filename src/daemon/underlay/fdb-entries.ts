/**
 * Static entries of a provider bridge's MAC table (ovs-vswitchd(8), "fdb/add") for the router's MAC on Subnets
 * with u2o interconnection. Each node's OVN answers by that MAC: without them a bridge that hears it from
 * another node would send there what is for this one's OVN. Pure.
 */
import type { Vlan } from '../../common/vlan.ts';
import type { Subnet } from '../model/subnet.ts';

/** Which port of the bridge a MAC is behind. */
export interface FdbEntry {
  /** The patch port to the Subnet's switch. */
  readonly port: string;
  /** 0 for frames without a tag. */
  readonly vlan: number;
  readonly mac: string;
}

/** What there is to know of a provider bridge on this node. */
export interface ProviderBridge {
  readonly name: string;
  /** Provider networks whose bridge it is. */
  readonly networks: ReadonlySet<string>;
  /** OpenFlow number of its network card; undefined where there is none, or OVS has not opened it. */
  readonly card: number | undefined;
  /** OpenFlow numbers of its patch ports to switches of OVN, by their names; only those that work. */
  readonly patchPorts: ReadonlyMap<string, number>;
}

/** Name of the patch port to a Subnet's switch (ovn-controller(8)). */
export function patchPortOf(subnet: string): string {
  return `patch-localnet.${subnet}-to-br-int`;
}

/** The entries that a bridge is to have. */
export function wantedFdb(
  bridge: ProviderBridge,
  subnets: Iterable<Subnet>,
  vlanNamed: (name: string) => Vlan | undefined,
): FdbEntry[] {
  const entries: FdbEntry[] = [];
  for (const subnet of subnets) {
    const vlan = subnet.u2oMac === undefined ? undefined : vlanNamed(subnet.vlan);
    const port = patchPortOf(subnet.name);
    if (vlan === undefined || subnet.u2oMac === undefined) continue;
    if (!bridge.networks.has(vlan.provider) || !bridge.patchPorts.has(port)) continue;
    entries.push({ port, vlan: vlan.id, mac: subnet.u2oMac });
  }
  return entries.sort((one, other) => (textOf(one) < textOf(other) ? -1 : 1));
}

/** As "fdb/show" has it: ` port  VLAN  MAC                Age`. */
const STATIC_LINE = /^ *(\d+) +(\d+) +([0-9a-f:]{17}) +static *$/;

/** The static entries on patch ports that a bridge has; those on other ports are somebody else's. */
export function readFdb(shown: string, { patchPorts }: ProviderBridge): FdbEntry[] {
  const names = new Map([...patchPorts].map(([name, number]) => [number, name]));
  return shown.split('\n').flatMap((line) => {
    const [, number, vlan, mac = ''] = STATIC_LINE.exec(line) ?? [];
    const port = names.get(Number(number));
    return port === undefined ? [] : [{ port, vlan: Number(vlan), mac }];
  });
}

/** What is to be added and removed: one on another port than it is to be on is only added, which moves it. */
export function compareFdb(
  found: readonly FdbEntry[],
  wanted: readonly FdbEntry[],
): { readonly missing: readonly FdbEntry[]; readonly surplus: readonly FdbEntry[] } {
  const [foundTexts, wantedTexts] = [found, wanted].map((entries) => new Set(entries.map(textOf)));
  const wantedKeys = new Set(wanted.map(keyOf));
  return {
    missing: wanted.filter((entry) => !foundTexts?.has(textOf(entry))),
    surplus: found.filter(
      (entry) => !wantedTexts?.has(textOf(entry)) && !wantedKeys.has(keyOf(entry)),
    ),
  };
}

function keyOf({ vlan, mac }: FdbEntry): string {
  return `${vlan} ${mac}`;
}

function textOf(entry: FdbEntry): string {
  return `${entry.port} ${keyOf(entry)}`;
}
