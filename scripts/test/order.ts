/**
 * In which order tests run: those that take longest begin, so that none is left alone at the end. A name that is
 * missing costs some seconds of a run, and no more.
 */

/** More than 20 s on an idle machine, the longest first. `process` is all of test/process. */
export const LONGEST: readonly string[] = [
  'process',
  ...[
    'broken-tools',
    'api-silence',
    'forged',
    'ovn-switch',
    'limits-traffic',
    'storm',
    'crash-ovs',
    'crash-limits',
    'controller-crash',
    'provider-crash',
    'outage-api',
    'crash-del',
    'crash-add',
    'underlay',
    'guest/provider',
    'guest/provider-reboot',
    'guest/kernel',
    'underlay-wire',
    'provider-two-nodes',
    'soak',
    'deletions',
    'newer-sandbox',
    'soak-hostile',
    'fuzz',
    'outage-network',
    'ovn-raft',
    'install-crash',
    'controller-trust',
    'limits-restart',
    'charts',
    'provider-setup',
    'half-requests',
    'controller-ovn',
    'del',
    'pod-events',
    'check-errors',
    'bad-daemon',
    'sweep',
    'mirror-setup',
    'crash-waits',
    'limits-sandboxes',
    'annotation-corrected',
  ].map((name) => `test/node/${name}.test.ts`),
];

/** The same names, the longest first. */
export function inOrder(names: readonly string[]): string[] {
  const known = LONGEST.filter((name) => names.includes(name));
  return [...known, ...names.filter((name) => !LONGEST.includes(name))];
}
