/** The controller's command line in tests: parsed for one pod, and the flags that it refuses. */
import { parseFlags } from '../../../../src/controller/config/flags.ts';

export const parse = (...argv: string[]) => parseFlags(argv, { POD_NAME: 'pod-a' });

/** Flags that switch on what this controller does not have. */
export const REFUSED = [
  ...['cert-manager-ipsec-cert', 'enable-ovn-ipsec', 'enable-anp', 'enable-dns-name-resolver'],
  ...['enable-ecmp', 'enable-external-vpc', 'enable-lb-svc', 'enable-ovn-lb-prefer-local'],
  'enable-pprof',
];
