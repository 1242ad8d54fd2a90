/**
 * Flags of Kube-OVN's controller that switch on what this one does not have. Where one is on, the
 * controller does not start: somebody relies on what would not happen. What its charts pass by default
 * is taken as it is.
 */
import { type GivenFlags, wrongValue } from '../../common/flags/go-flags.ts';
import { refuseLacking } from '../../common/flags/lacking-flags.ts';

/** What does not happen, by the boolean flag that asks for it; all are off in both charts. */
const SWITCHES: Readonly<Record<string, string>> = {
  'cert-manager-ipsec-cert': 'traffic between nodes is not encrypted',
  'enable-ovn-ipsec': 'traffic between nodes is not encrypted',
  'enable-anp': 'AdminNetworkPolicies and BaselineAdminNetworkPolicies are not enforced',
  'enable-dns-name-resolver': 'names of hosts in network policies are not resolved',
  'enable-ecmp': 'traffic is not spread over several gateway nodes',
  'enable-external-vpc': 'logical routers that somebody else has made do not become Vpcs',
  'enable-lb-svc': 'Services of type LoadBalancer get no address',
  'enable-ovn-lb-prefer-local': 'Services have no load balancers in OVN',
  'enable-pprof': 'there are no profiles in the format of Go',
};

/** Likewise, by the flag with a value; empty in both charts. */
const VALUES: Readonly<Record<string, string>> = {
  'node-local-dns-ip': "pods get no route to the node's own DNS cache",
  'skip-conntrack-dst-cidrs': 'connections are tracked whatever their destination',
};

/** Flags that end the controller where they are on; `--help` names them apart. */
export const REFUSED_FLAGS: readonly string[] = [...Object.keys(SWITCHES), ...Object.keys(VALUES)];

/** @throws Error that names the flag, what is lacking, and what to set it to */
export function refuseWhatIsLacking({ given }: Pick<GivenFlags<string>, 'given'>): void {
  refuseLacking({ given }, { program: 'controller', switches: SWITCHES });
  for (const [name, what] of Object.entries(VALUES)) {
    const text = unquoted(given(name) ?? '').trim();
    if (text === '') continue;
    throw new Error(
      `--${name}=${text}: this controller does not have that, so ${what}: set --${name}="", or run Kube-OVN's own controller`,
    );
  }
  const enforcement = unquoted(given('np-enforcement') ?? 'standard');
  if (enforcement !== 'standard' && enforcement !== 'lax') {
    throw wrongValue('--np-enforcement', enforcement, 'standard or lax');
  }
}

/** Chart v2 of Kube-OVN v1.17 passes `--np-enforcement="standard"`, with the quotation marks. */
function unquoted(text: string): string {
  return /^"(.*)"$/.exec(text)?.[1] ?? text;
}
