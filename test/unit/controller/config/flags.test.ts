/** What the flags and the environment come to, which values are refused, and what is not there. */
import { hostname } from 'node:os';
import { describe, expect, it } from 'vitest';
import { parseFlags } from '../../../../src/controller/config/flags.ts';
import { parse, REFUSED } from './flags-support.ts';

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
        serviceCidrs: [{ family: 'IPv4', network: '10.96.0.0', prefixLength: 12 }],
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
        serviceCidrs: [{ family: 'IPv6', network: 'fd00:3::', prefixLength: 112 }],
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
