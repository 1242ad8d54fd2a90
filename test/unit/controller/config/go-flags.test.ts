/** All of Kube-OVN's flags are taken, or refused by name where they ask for what is not there. */
import { describe, expect, it } from 'vitest';
import { parse, REFUSED } from './flags-support.ts';

/** Kube-OVN v1.17's flags, and klog's. */
const BOOLEAN_FLAGS = [
  'cert-manager-ipsec-cert',
  'default-exchange-link-name',
  'default-gateway-check',
  'default-logical-gateway',
  'default-u2o-interconnection',
  'enable-anp',
  'enable-dns-name-resolver',
  'enable-ecmp',
  'enable-eip-snat',
  'enable-external-vpc',
  'enable-lb',
  'enable-lb-svc',
  'enable-live-migration-optimize',
  'enable-metrics',
  'enable-np',
  'enable-ovn-ipsec',
  'enable-ovn-lb-prefer-local',
  'enable-pprof',
  'keep-vm-ip',
  'ls-ct-skip-dst-lport-ips',
  'ls-dnat-mod-dl-dst',
  'non-primary-cni-mode',
  'secure-serving',
  'add_dir_header',
  'alsologtostderr',
  'legacy_stderr_threshold_behavior',
  'logtostderr',
  'one_output',
  'skip_headers',
  'skip_log_headers',
];
const VALUE_FLAGS = [
  ['bfd-min-rx', '100'],
  ['bfd-min-tx', '100'],
  ['cluster-router', 'ovn-cluster'],
  ['cluster-sctp-loadbalancer', 'cluster-sctp-loadbalancer'],
  ['cluster-sctp-session-loadbalancer', 'cluster-sctp-session-loadbalancer'],
  ['cluster-tcp-loadbalancer', 'cluster-tcp-loadbalancer'],
  ['cluster-tcp-session-loadbalancer', 'cluster-tcp-session-loadbalancer'],
  ['cluster-udp-loadbalancer', 'cluster-udp-loadbalancer'],
  ['cluster-udp-session-loadbalancer', 'cluster-udp-session-loadbalancer'],
  ['cust-crd-retry-max-delay', '20'],
  ['cust-crd-retry-min-delay', '1'],
  ['default-cidr', '10.16.0.0/16'],
  ['default-exclude-ips', ''],
  ['default-gateway', ''],
  ['default-interface-name', ''],
  ['default-ls', 'ovn-default'],
  ['default-provider-name', 'provider'],
  ['default-vlan-id', '1'],
  ['default-vlan-name', 'ovn-vlan'],
  ['detect-mult', '3'],
  ['external-gateway-config-ns', 'kube-system'],
  ['external-gateway-net', 'external'],
  ['external-gateway-switch', 'external'],
  ['external-gateway-vlanid', '0'],
  ['frr-image', 'quay.io/frrouting/frr:10.5.1'],
  ['gc-interval', '360'],
  ['image', ''],
  ['inspect-interval', '20'],
  ['kubeconfig', ''],
  ['leader-elect-lease-duration', '30s'],
  ['leader-elect-renew-deadline', '20s'],
  ['leader-elect-retry-period', '6s'],
  ['log-perm', '640'],
  ['network-type', 'geneve'],
  ['node-local-dns-ip', ''],
  ['node-switch', 'join'],
  ['node-switch-cidr', '100.64.0.0/16'],
  ['node-switch-gateway', ''],
  ['nodepg-probe-time', '1'],
  ['np-enforcement', 'standard'],
  ['ovn-nb-addr', ''],
  ['ovn-sb-addr', ''],
  ['ovn-timeout', '60'],
  ['ovsdb-con-maxretry', '60'],
  ['ovsdb-con-timeout', '3'],
  ['ovsdb-inactivity-timeout', '10'],
  ['pod-nic-type', 'veth-pair'],
  ['pprof-port', '10660'],
  ['service-cluster-ip-range', '10.96.0.0/12'],
  ['skip-conntrack-dst-cidrs', ''],
  ['tls-cipher-suites', 'TLS_RSA_WITH_AES_128_GCM_SHA256'],
  ['tls-max-version', ''],
  ['tls-min-version', ''],
  ['worker-num', '3'],
  ['alsologtostderrthreshold', '2'],
  ['log_backtrace_at', ':0'],
  ['log_dir', ''],
  ['log_file', '/var/log/kube-ovn/kube-ovn-controller.log'],
  ['log_file_max_size', '200'],
  ['stderrthreshold', '2'],
  ['v', '3'],
  ['vmodule', 'a=1'],
] as const;
/** Flags that have an effect; the others are reported as ignored. */
const ACTED_ON = [
  ...['alsologtostderr', 'enable-metrics', 'log-perm', 'log_file', 'log_file_max_size'],
  ...['logtostderr', 'pprof-port', 'secure-serving', 'tls-cipher-suites', 'tls-max-version'],
  'tls-min-version',
  'cluster-router',
  'default-cidr',
  'default-exchange-link-name',
  'default-exclude-ips',
  'default-gateway',
  'default-gateway-check',
  'default-interface-name',
  'default-logical-gateway',
  'default-ls',
  'default-provider-name',
  'default-u2o-interconnection',
  'default-vlan-id',
  'default-vlan-name',
  'enable-lb',
  'keep-vm-ip',
  'kubeconfig',
  'leader-elect-lease-duration',
  'leader-elect-renew-deadline',
  'leader-elect-retry-period',
  'network-type',
  'node-switch',
  'node-switch-cidr',
  'node-switch-gateway',
  'non-primary-cni-mode',
  'ovn-nb-addr',
  'pod-nic-type',
  'service-cluster-ip-range',
  'v',
];

const ignoredOf = (flag: string) => (ACTED_ON.includes(flag) ? [] : [flag]);

describe("Kube-OVN's flags", () => {
  it.each(BOOLEAN_FLAGS)('--%s is taken alone, with true and with false', (flag) => {
    expect(parse(`--${flag}=false`).ignored).toEqual(ignoredOf(flag));
    for (const word of [`--${flag}`, `--${flag}=true`]) {
      if (REFUSED.includes(flag)) expect(() => parse(word)).toThrow(`--${flag}=true`);
      else expect(parse(word).ignored).toEqual(ignoredOf(flag));
    }
  });

  it.each(VALUE_FLAGS)('--%s is taken with its default %j', (flag, value) => {
    // Kube-OVN's lease is longer than ours: one of its times alone may not go with ours.
    const others = flag.startsWith('leader-elect')
      ? ['--leader-elect-lease-duration=1m', '--leader-elect-renew-deadline=20s']
      : [];
    expect(parse(...others, `--${flag}=${value}`).ignored).toEqual(ignoredOf(flag));
    if (value === '') return;
    expect(parse(...others, `--${flag}`, value).ignored).toEqual(ignoredOf(flag));
  });

  it('may all be given at once, and those without effect are listed once', () => {
    const argv = [
      ...BOOLEAN_FLAGS.map((flag) => (REFUSED.includes(flag) ? `--${flag}=false` : `--${flag}`)),
      ...VALUE_FLAGS.map(([flag, value]) => `--${flag}=${value}`),
    ];
    const names = [...BOOLEAN_FLAGS, ...VALUE_FLAGS.map(([flag]) => flag)];
    const expected = names.filter((flag) => !ACTED_ON.includes(flag));
    expect(parse(...argv, '--enable-metrics').ignored.toSorted()).toEqual(expected.toSorted());
  });

  it.each(['--enable-everything', '--default-cidrs=x', '-x', '--constructor=1', '--__proto__=1'])(
    'do not have %s: it is refused by name',
    (word) => {
      const name = /^--?[\w-]+/.exec(word)?.[0] ?? '';
      expect(() => parse(word)).toThrow(name);
    },
  );

  it('do not have a word without dashes', () => {
    expect(() => parse('start')).toThrow(/'start'/);
  });
});
