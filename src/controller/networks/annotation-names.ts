/**
 * Names of annotations that a pod's author writes for a NIC (`<provider>.kubernetes.io/<name>`), and
 * which of them mean something for which NIC. Pure.
 */

/** OVS has the interface's port, and limits or copies what goes through it. */
const LIMITS = [
  ...['ingress_rate', 'egress_rate', 'ingress_burst', 'egress_burst'],
  ...['latency', 'limit', 'loss', 'jitter'],
];
/** OVN has a logical switch port for the interface. */
const OF_PORTS = [
  ...['security_groups', 'port_security', 'port_vips', 'layer2_forward'],
  ...['dhcp-v4-options', 'dhcp-v6-options', 'activation_strategy'],
];
/** What several NICs of one network may have in common under the network. */
const SHARED = ['routes', 'default_route', 'mirror', 'pod_nic_type', 'activation_strategy'];
const OTHERS = [
  ...['ip_address', 'mac_address', 'ip_pool', 'ip_family', 'logical_switch'],
  ...['routes', 'default_route', 'mirror', 'pod_nic_type'],
];
const WRITABLE: ReadonlySet<string> = new Set([...LIMITS, ...OF_PORTS, ...OTHERS]);
/** What controllers write, and what Kube-OVN has for other ends. */
const FOREIGN: ReadonlySet<string> = new Set([
  ...['allocated', 'cidr', 'gateway', 'routed', 'logical_router', 'vlan_id', 'provider_network'],
  ...['virtualmachine', 'vip', 'eip', 'snat', 'priority', 'vf', 'vf_representor', 'bgp'],
]);
/** Longer ones are no slip of the pen. */
const NAME_LENGTH_MAX = 32;

const MEANT = [...WRITABLE].map((name) => ({ name, letters: letters(name) }));

/** True for what a pod's author writes to have something. */
export function isWritable(name: string): boolean {
  return WRITABLE.has(name);
}

/** True for limits that are read under the provider `ovn` where no NIC has that one. */
export function isLimit(name: string): boolean {
  return LIMITS.includes(name);
}

/** True for what only an interface of ours can have, and not one that another plugin makes. */
export function needsOwnInterface(name: string): boolean {
  return isLimit(name) || OF_PORTS.includes(name) || name === 'mirror';
}

/** True for what is read under the network where several NICs share it. */
export function isSharedName(name: string): boolean {
  return SHARED.includes(name);
}

/** True for what is neither a name that there is nor as long as one: somebody may have mistyped it. */
export function isMistaken(name: string): boolean {
  return name.length <= NAME_LENGTH_MAX && !WRITABLE.has(name) && !FOREIGN.has(name);
}

/** The name that was meant by a mistaken one, where only one or two letters are wrong. */
export function nearestName(name: string): string | undefined {
  if (!isMistaken(name)) return undefined;
  const said = letters(name);
  return MEANT.find(({ letters: meant }) => {
    const allowed = meant.length < 8 ? 1 : 2;
    return Math.abs(meant.length - said.length) <= allowed && distance(said, meant) <= allowed;
  })?.name;
}

function letters(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
}

/** How many letters have to be inserted, removed or replaced (Levenshtein). */
function distance(one: string, other: string): number {
  let before = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (const [row, letter] of [...one].entries()) {
    const after = [row + 1];
    for (const [column, wanted] of [...other].entries()) {
      const replaced = (before[column] ?? 0) + (letter === wanted ? 0 : 1);
      const inserted = (after[column] ?? 0) + 1;
      after.push(Math.min(replaced, inserted, (before[column + 1] ?? 0) + 1));
    }
    before = after;
  }
  return before[other.length] ?? 0;
}
