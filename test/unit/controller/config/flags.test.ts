import { hostname } from 'node:os';
import { describe, expect, it } from 'vitest';
import { parseFlags } from '../../../../src/controller/config/flags.ts';

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
/** What a flag without effect is reported as. */
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

const parse = (...argv: string[]) => parseFlags(argv, { POD_NAME: 'pod-a' });
const ignoredOf = (flag: string) => (ACTED_ON.includes(flag) ? [] : [flag]);

/** Flags that switch on what this controller does not have. */
const REFUSED = [
  ...['cert-manager-ipsec-cert', 'enable-ovn-ipsec', 'enable-anp', 'enable-dns-name-resolver'],
  ...['enable-ecmp', 'enable-external-vpc', 'enable-lb-svc', 'enable-ovn-lb-prefer-local'],
  'enable-pprof',
];

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

describe('the options', () => {
  it("are Kube-OVN's defaults where nothing is given, but for the times of the Lease", () => {
    expect(parse()).toEqual({
      podName: 'pod-a',
      namespace: 'kube-system',
      settings: {
        isPrimary: true,
        defaultVpc: 'ovn-cluster',
        defaultSubnet: 'ovn-default',
        joinSubnet: 'join',
        defaultProviderNetwork: 'provider',
        agentNamespace: 'kube-system',
        enableLb: true,
        podNicType: 'veth-pair',
        keepsVmAddresses: true,
        enforcesNamespaces: false,
      },
      defaultSubnet: {
        cidrBlock: '10.16.0.0/16',
        gateway: '',
        excludeIps: [],
        disableGatewayCheck: false,
      },
      joinSubnet: { cidrBlock: '100.64.0.0/16', gateway: '', excludeIps: [] },
      makesDefaultSubnets: true,
      leaseTimes: { leaseSeconds: 15, renewDeadlineMs: 10_000, renewEveryMs: 2_000 },
      health: { port: 10_660, addresses: [], hasMetrics: true },
      verbosity: 0,
      ignored: [],
    });
  });

  it('are what the command line says', () => {
    const argv = [
      '--kubeconfig=/k',
      '--non-primary-cni-mode',
      '--cluster-router=vpc',
      '--default-ls=pods',
      '--default-cidr=10.1.2.3/16, fd00:1::/64',
      '--default-gateway=10.1.0.9,FD00:1::9',
      '--default-exclude-ips=10.1.0.9..10.1.0.20,fd00:1::9',
      '--default-gateway-check=false',
      '--node-switch=nodes',
      '--node-switch-cidr=fd00:2::/64',
      '--node-switch-gateway=fd00:2::1',
      '--service-cluster-ip-range=fd00:3::/112',
      '--pod-nic-type=internal-port',
      '--enable-lb=false',
      '--keep-vm-ip=0',
      '--ovn-nb-addr=tcp:[10.0.0.1]:6641,tcp:[10.0.0.2]:6641',
      '--leader-elect-lease-duration=1m',
      '--leader-elect-renew-deadline=40s',
      '--leader-elect-retry-period=1.5s',
      '--probe-port=0',
      '--probe-address=127.0.0.1',
      '--enforce-subnet-namespaces',
      '-v=3',
    ];
    const environment = {
      POD_NAME: 'pod-b',
      POD_NAMESPACE: 'ovn',
      KUBERNETES_SERVICE_HOST: '10.96.0.1',
    };
    expect(parseFlags(argv, environment)).toEqual({
      kubeconfigPath: '/k',
      podName: 'pod-b',
      namespace: 'ovn',
      settings: {
        isPrimary: false,
        defaultVpc: 'vpc',
        defaultSubnet: 'pods',
        joinSubnet: 'nodes',
        defaultProviderNetwork: 'provider',
        agentNamespace: 'ovn',
        enableLb: false,
        apiServer: { family: 'IPv4', text: '10.96.0.1' },
        podNicType: 'internal-port',
        keepsVmAddresses: false,
        enforcesNamespaces: true,
      },
      defaultSubnet: {
        cidrBlock: '10.1.0.0/16,fd00:1::/64',
        gateway: '10.1.0.9,fd00:1::9',
        excludeIps: ['10.1.0.9..10.1.0.20', 'fd00:1::9'],
        disableGatewayCheck: true,
      },
      joinSubnet: { cidrBlock: 'fd00:2::/64', gateway: 'fd00:2::1', excludeIps: [] },
      makesDefaultSubnets: true,
      northbound: { database: 'tcp:[10.0.0.1]:6641,tcp:[10.0.0.2]:6641' },
      leaseTimes: { leaseSeconds: 60, renewDeadlineMs: 40_000, renewEveryMs: 1_500 },
      health: { port: 0, addresses: ['127.0.0.1'], hasMetrics: true },
      verbosity: 3,
      ignored: [],
    });
  });

  it('say where probes are answered: on the addresses of the pod, as the charts have it', () => {
    const environment = { ENABLE_BIND_LOCAL_IP: 'true', POD_IPS: '10.0.0.1,fd00::1' };
    const health = (...argv: string[]) => parseFlags(argv, environment).health;
    expect(health()).toMatchObject({ addresses: ['10.0.0.1', 'fd00::1'], hasMetrics: true });
    expect(health('--enable-metrics=false')).toMatchObject({ addresses: ['10.0.0.1'] });
    expect(health('--secure-serving', '--tls-min-version=TLS13').tls).toEqual({
      minVersion: 'TLSv1.3',
      maxVersion: 'TLSv1.3',
    });
    expect(health('--pprof-port=1234').port).toBe(1234);
    expect(health('--pprof-port=1234', '--probe-port=0').port).toBe(0);
    expect(() => parseFlags([], { ENABLE_BIND_LOCAL_IP: 'true' })).toThrow('POD_IPS');
  });

  it('say that the log goes to a file, as the charts have it', () => {
    const file = '--log_file=/var/log/kube-ovn/kube-ovn-controller.log';
    expect(parse(file).logFile).toBeUndefined();
    const argv = ['--logtostderr=false', '--alsologtostderr', file, '--log_file_max_size=200'];
    expect(parse(...argv).logFile).toEqual({
      path: '/var/log/kube-ovn/kube-ovn-controller.log',
      maxBytes: 200 * 1024 * 1024,
      mode: 0o640,
      alsoStdout: true,
    });
  });

  it('have an underlay where the network is a vlan', () => {
    const argv = ['--network-type=vlan', '--default-interface-name=eth1', '--default-vlan-id=7'];
    expect(parse(...argv, '--default-logical-gateway').defaultSubnet.underlay).toEqual({
      vlan: 'ovn-vlan',
      vlanId: 7,
      providerNetwork: 'provider',
      hostInterface: 'eth1',
      logicalGateway: true,
      u2oInterconnection: false,
      exchangeLinkName: false,
    });
  });

  it('have an underlay that is joined to overlays where the flag says so, with its own gateway only', () => {
    const argv = ['--network-type=vlan', '--default-interface-name=eth1'];
    const joined = [...argv, '--default-u2o-interconnection'];
    expect(parse(...joined).defaultSubnet.underlay).toMatchObject({ u2oInterconnection: true });
    expect(() => parse(...joined, '--default-logical-gateway')).toThrow(
      '--default-u2o-interconnection',
    );
  });

  it('make the default Subnets unless another plugin is primary and nobody names the first', () => {
    const makes = (...argv: string[]) => parse(...argv).makesDefaultSubnets;
    expect(makes()).toBe(true);
    expect(makes('--non-primary-cni-mode')).toBe(false);
    expect(makes('--non-primary-cni-mode', '--default-ls=ovn-default')).toBe(true);
    expect(makes('--non-primary-cni-mode=false')).toBe(true);
  });

  it('know the pod by its name: environment, host', () => {
    expect(parseFlags([], {}).podName).toBe(hostname());
    expect(parseFlags([], { POD_NAME: '', POD_NAMESPACE: '' })).toMatchObject({
      podName: hostname(),
      namespace: 'kube-system',
    });
  });

  it('are the last of a flag that is given twice', () => {
    expect(parse('--default-ls=a', '--default-ls', 'b').settings.defaultSubnet).toBe('b');
  });
});

describe('the values of options', () => {
  it.each([
    ['--default-cidr='],
    ['--default-cidr=10.16.0.0'],
    ['--default-cidr=10.16.0.0/33'],
    ['--default-cidr=10.16.0.0/16,10.17.0.0/16'],
    ['--default-gateway=10.16.0.1/16'],
    ['--default-gateway=010.16.0.1'],
    ['--default-exclude-ips=10.16.0.9..10.16.0.1'],
    ['--default-exclude-ips=10.16.0.0/24'],
    ['--node-switch-cidr=join'],
    ['--node-switch-gateway=,'],
    ['--service-cluster-ip-range=10.96.0.1'],
    ['--default-ls=Pods'],
    ['--cluster-router=../x'],
    ['--node-switch='],
    ['--pod-nic-type=a b'],
    ['--network-type=gre'],
    ['--default-interface-name=', '--network-type=vlan'],
    ['--default-vlan-id=4096', '--network-type=vlan', '--default-interface-name=eth1'],
    ['--enable-lb=maybe'],
    ['--ovn-nb-addr=10.0.0.1:6641'],
    ['--ovn-nb-addr=tcp:10.0.0.1:6641,'],
    ['--ovn-nb-addr=unix:/run/a b'],
    ['--leader-elect-lease-duration=15'],
    ['--leader-elect-lease-duration=0s'],
    ['--leader-elect-lease-duration=-15s'],
    ['--leader-elect-lease-duration=10s'],
    ['--leader-elect-lease-duration=10900ms'],
    ['--leader-elect-retry-period=5x'],
  ])('are never %s: it is refused by name', (word, ...others) => {
    const [flag = ''] = word.split('=');
    expect(() => parse(word, ...others)).toThrow(flag);
  });

  it('end the leadership before the lease', () => {
    expect(() => parse('--leader-elect-renew-deadline=15s')).toThrow(
      '--leader-elect-lease-duration=15000ms: expected more whole seconds than',
    );
  });

  it('leave time for a second renewal', () => {
    const argv = ['--leader-elect-renew-deadline=12s', '--leader-elect-retry-period=10s'];
    expect(() => parse(...argv)).toThrow('--leader-elect-renew-deadline=12000ms');
  });

  it('do not let two networks of the cluster overlap', () => {
    expect(() => parse('--default-cidr=10.100.0.0/16')).toThrow(
      '--default-cidr=10.100.0.0/16 overlaps with --service-cluster-ip-range=10.96.0.0/12',
    );
    expect(() => parse('--node-switch-cidr=10.0.0.0/8')).toThrow(/--node-switch-cidr/);
  });

  it('have a namespace whose name can be one', () => {
    expect(() => parseFlags([], { POD_NAMESPACE: 'a/b' })).toThrow('POD_NAMESPACE=a/b');
  });
});

describe('what this controller does not have', () => {
  it.each(REFUSED)('is refused where --%s switches it on, with what to do', (flag) => {
    for (const word of [`--${flag}`, `--${flag}=true`, `--${flag}=1`]) {
      expect(() => parse(word)).toThrow(`set --${flag}=false, or run Kube-OVN's own controller`);
    }
    expect(() => parse(`--${flag}=maybe`)).toThrow(flag);
  });

  it.each([
    ['node-local-dns-ip', '169.254.20.10'],
    ['node-local-dns-ip', '"169.254.20.10"'],
    ['skip-conntrack-dst-cidrs', '10.0.0.0/8'],
  ])('is refused where --%s=%s asks for it, and taken where it is empty', (flag, text) => {
    expect(() => parse(`--${flag}=${text}`)).toThrow(`--${flag}=`);
    for (const empty of ['', '""', ' '])
      expect(parse(`--${flag}=${empty}`).ignored).toEqual([flag]);
  });

  it('is no reason to refuse --np-enforcement, with the quotation marks of chart v2', () => {
    for (const text of ['standard', '"standard"', 'lax', '"lax"']) {
      expect(parse(`--np-enforcement=${text}`).ignored).toEqual(['np-enforcement']);
    }
    for (const text of ['"', 'strict', '']) {
      expect(() => parse(`--np-enforcement=${text}`)).toThrow('--np-enforcement=');
    }
  });
});
