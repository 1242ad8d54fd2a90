import { hostname } from 'node:os';
import { describe, expect, it } from 'vitest';
import { FLAGS, parseFlags } from '../../../src/daemon/flags.ts';

/** Kube-OVN v1.17's flags, and klog's. */
const BOOLEAN_FLAGS = [
  'mac-learning-fallback',
  'enable-arp-detect-ip-conflict',
  'enable-metrics',
  'enable-mirror',
  'encap-checksum',
  'host-tunnel-src',
  'non-primary-cni-mode',
  'secure-serving',
  'add_dir_header',
  'alsologtostderr',
  'logtostderr',
  'skip_headers',
  'skip_log_headers',
];
/** Those that switch on what this daemon does not have. */
const LACKING_FLAGS = [
  'cert-manager-ipsec-cert',
  'enable-ovn-ipsec',
  'enable-pprof',
  'enable-tproxy',
  'enable-verbose-conn-check',
  'install-cni-config',
];
const VALUE_FLAGS = [
  ['bind-socket', '/run/openvswitch/kube-ovn-daemon.sock'],
  ['cert-manager-issuer-name', 'kube-ovn'],
  ['cluster-router', 'ovn-cluster'],
  ['cni-conf-dir', '/etc/cni/net.d'],
  ['cni-conf-file', '/kube-ovn/01-kube-ovn.conflist'],
  ['cni-conf-name', '01-kube-ovn.conflist'],
  ['default-interface-name', ''],
  ['default-provider-name', 'provider'],
  ['dpdk-tunnel-iface', 'br-phy'],
  ['external-gateway-config-ns', 'kube-system'],
  ['external-gateway-switch', 'external'],
  ['iface', ''],
  ['kubeconfig', ''],
  ['kubelet-dir', '/var/lib/kubelet'],
  ['log-perm', '640'],
  ['mirror-iface', 'mirror0'],
  ['mtu', '0'],
  ['network-type', 'geneve'],
  ['node-switch', 'join'],
  ['ovn-ipsec-cert-duration', '63072000'],
  ['ovs-socket', ''],
  ['ovs-vsctl-concurrency', '100'],
  ['pprof-port', '10665'],
  ['service-cluster-ip-range', '10.96.0.0/12'],
  ['tcp-conn-check-port', '8100'],
  ['tls-cipher-suites', 'TLS_AES_128_GCM_SHA256,TLS_RSA_WITH_AES_128_CBC_SHA'],
  ['tls-max-version', ''],
  ['tls-min-version', ''],
  ['udp-conn-check-port', '8101'],
  ['log_dir', ''],
  ['log_file', '/var/log/kube-ovn/kube-ovn-cni.log'],
  ['log_file_max_size', '200'],
  ['stderrthreshold', '2'],
  ['v', '3'],
  ['vmodule', 'a=1'],
] as const;
/** What a flag without effect is reported as. */
const ACTED_ON: readonly string[] = Object.keys(FLAGS);

const parse = (...argv: string[]) => parseFlags(argv, { NODE_NAME: 'node-1' });
const ignoredOf = (flag: string) => (ACTED_ON.includes(flag) ? [] : [flag]);

describe("Kube-OVN's flags", () => {
  it.each(BOOLEAN_FLAGS)('--%s is taken alone, with true and with false', (flag) => {
    for (const word of [`--${flag}`, `--${flag}=true`, `--${flag}=false`]) {
      expect(parse(word).ignored).toEqual(ignoredOf(flag));
    }
  });

  it.each(BOOLEAN_FLAGS)('--%s alone does not take the next word for its value', (flag) => {
    expect(parse(`--${flag}`, '--mtu=1300').tunnel.mtu).toBe(1300);
    expect(() => parse(`--${flag}`, 'true')).toThrow(/'true'/);
  });

  it.each(VALUE_FLAGS)('--%s is taken with its default %j', (flag, value) => {
    expect(parse(`--${flag}=${value}`).ignored).toEqual(ignoredOf(flag));
    if (value !== '') expect(parse(`--${flag}`, value).ignored).toEqual(ignoredOf(flag));
  });

  it.each(LACKING_FLAGS)('--%s is taken at its default, and refused when it is on', (flag) => {
    expect(parse(`--${flag}=false`).ignored).toEqual([flag]);
    for (const word of [`--${flag}`, `--${flag}=true`, `--${flag}=1`]) {
      expect(() => parse(word)).toThrow(
        new RegExp(`^--${flag}=.*this daemon does not have that, so .*set --${flag}=false`),
      );
    }
    expect(() => parse(`--${flag}=perhaps`)).toThrow(`--${flag}=perhaps: expected true or false`);
  });

  it('may all be given at once, and those without effect are listed once', () => {
    const argv = [
      ...BOOLEAN_FLAGS.map((flag) => `--${flag}`),
      ...VALUE_FLAGS.map(([flag, value]) => `--${flag}=${value}`),
    ];
    const names = [...BOOLEAN_FLAGS, ...VALUE_FLAGS.map(([flag]) => flag)];
    const expected = names.filter((flag) => !ACTED_ON.includes(flag));
    expect(parse(...argv, '--enable-metrics').ignored.toSorted()).toEqual(expected.toSorted());
  });

  it.each([[['-v=3']], [['-v', '3']], [['--v=3']], [['--v', '3']]])(
    'the verbosity is taken as %j',
    (argv) => {
      expect(parse(...argv)).toMatchObject({ verbosity: 3, ignored: [] });
    },
  );

  it('the verbosity is a whole number', () => {
    expect(() => parse('-v=info')).toThrow('--v=info: expected a whole number');
  });

  it.each([
    '--enable-everything',
    '--mtus=1',
    '-x',
    '-logtostderr',
    '--no-enable-metrics',
    '--__proto__=1',
    '--constructor=1',
    '--toString',
    '--enable_metrics=true',
    '--MTU=1400',
  ])('do not have %s: it is refused by name', (word) => {
    const name = /^--?[\w-]/.exec(word)?.[0] ?? '';
    expect(() => parse(word)).toThrow(name);
  });

  it('do not have a word without dashes', () => {
    expect(() => parse('start')).toThrow(/'start'/);
  });

  it('that want a value are refused without one', () => {
    expect(() => parse('--mtu')).toThrow(/--mtu/);
    expect(() => parse('--network-type')).toThrow(/--network-type/);
  });
});

describe('the options', () => {
  it("are Kube-OVN's defaults where nothing is given", () => {
    expect(parse()).toEqual({
      verbosity: 0,
      socketPath: '/run/openvswitch/kube-ovn-daemon.sock',
      ovsDatabase: 'unix:/run/openvswitch/db.sock',
      nodeName: 'node-1',
      tunnel: {
        mtu: 0,
        networkType: 'geneve',
        userspaceInterface: 'br-phy',
        takesHostAddresses: false,
        checksum: true,
        disablesVxlanOffload: false,
      },
      detectIpv4Conflict: true,
      mirrorAll: false,
      mirrorInterface: 'mirror0',
      addTimeoutMs: 110_000,
      isPrimary: true,
      macLearningFallback: false,
      ownPod: undefined,
      cniConfigFolder: '/etc/cni/net.d',
      health: { port: 10_665, addresses: [], hasMetrics: true },
      ignored: [],
    });
  });

  it('are what the command line says', () => {
    const argv = [
      '--bind-socket=/tmp/s',
      '--ovs-socket=/tmp/db.sock',
      '--kubeconfig=/k',
      '--iface=eth1,bond.*',
      '--dpdk-tunnel-iface=br-dpdk',
      '--host-tunnel-src',
      '--encap-checksum=false',
      '--set-vxlan-tx-off',
      '--mtu=1300',
      '--network-type=vxlan',
      '--enable-arp-detect-ip-conflict=false',
      '--enable-mirror',
      '--mirror-iface=tap0',
      '--add-timeout-seconds=30',
      '--node-name=node-2',
      '--non-primary-cni-mode=true',
      '--cni-conf-dir=/etc/kubernetes/cni/net.d',
      '--enable-metrics=false',
      '--pprof-port=10700',
      '--mac-learning-fallback',
    ];
    const environment = {
      NODE_NAME: 'node-1',
      POD_IP: '10.0.0.1',
      POD_NAME: 'kube-ovn-cni-x',
      POD_NAMESPACE: 'kube-system',
      POD_IPS: '10.0.0.1,fd00::1',
      ENABLE_BIND_LOCAL_IP: 'true',
    };
    expect(parseFlags(argv, environment)).toEqual({
      verbosity: 0,
      socketPath: '/tmp/s',
      ovsDatabase: 'unix:/tmp/db.sock',
      kubeconfigPath: '/k',
      nodeName: 'node-2',
      tunnel: {
        mtu: 1300,
        networkType: 'vxlan',
        interfaces: { text: 'eth1,bond.*', matches: expect.any(Function) },
        userspaceInterface: 'br-dpdk',
        takesHostAddresses: true,
        checksum: false,
        disablesVxlanOffload: true,
        podAddress: '10.0.0.1',
      },
      detectIpv4Conflict: false,
      mirrorAll: true,
      mirrorInterface: 'tap0',
      addTimeoutMs: 30_000,
      isPrimary: false,
      macLearningFallback: true,
      ownPod: { namespace: 'kube-system', name: 'kube-ovn-cni-x' },
      cniConfigFolder: '/etc/kubernetes/cni/net.d',
      // Kube-OVN's daemon answers probes on its first address alone where it has no metrics.
      health: { port: 10_700, addresses: ['10.0.0.1'], hasMetrics: false },
      ignored: [],
    });
  });

  it('are the last of a flag that is given twice', () => {
    expect(parse('--mtu=1300', '--mtu', '1200').tunnel.mtu).toBe(1200);
  });

  it('know the node by its name: flag, environment, host', () => {
    expect(parse('--node-name=', '--mtu=0').nodeName).toBe('node-1');
    expect(parseFlags([], {}).nodeName).toBe(hostname());
    expect(parseFlags([], { NODE_NAME: '' }).nodeName).toBe(hostname());
  });

  it.each([
    ['', 'unix:/run/openvswitch/db.sock'],
    ['/var/run/db.sock', 'unix:/var/run/db.sock'],
    ['unix:/var/run/db.sock', 'unix:/var/run/db.sock'],
    ['tcp:127.0.0.1:6640', 'tcp:127.0.0.1:6640'],
  ])('have OVS at --ovs-socket=%s as %s', (socket, remote) => {
    expect(parse(`--ovs-socket=${socket}`).ovsDatabase).toBe(remote);
  });

  it('count a vlan network as one with geneve tunnels', () => {
    expect(parse('--network-type=vlan').tunnel.networkType).toBe('geneve');
  });
});

describe('the values of options', () => {
  it.each(['true', 'True', 'TRUE', 'T', 't', '1'])('read %s as Go does: true', (text) => {
    expect(parse(`--enable-arp-detect-ip-conflict=${text}`).detectIpv4Conflict).toBe(true);
  });

  it.each(['false', 'False', 'FALSE', 'F', 'f', '0'])('read %s as Go does: false', (text) => {
    expect(parse(`--enable-arp-detect-ip-conflict=${text}`).detectIpv4Conflict).toBe(false);
  });

  it.each([
    '--mtu=',
    '--mtu=-1',
    '--mtu=1500.5',
    '--mtu=1e3',
    '--mtu=65536',
    '--mtu=99999999999999999999',
    '--network-type=',
    '--network-type=gre',
    '--network-type=GENEVE',
    '--add-timeout-seconds=0',
    '--add-timeout-seconds=111',
    '--bind-socket=',
    '--add-timeout-seconds=x',
    '--enable-arp-detect-ip-conflict=maybe',
    '--enable-mirror=mirror0',
    '--mirror-iface=',
    '--mirror-iface=abcdefghijklmnop',
    '--mirror-iface=mirror 0',
    '--mirror-iface=br/0',
    '--mirror-iface=if7',
    '--mirror-iface=all',
    '--iface=(',
    '--iface=eth0,,eth1',
    `--iface=${'x'.repeat(1025)}`,
    '--cni-conf-dir=etc/cni',
    '--pprof-port=65536',
    '--tls-min-version=TLS9',
    '--tls-max-version=TLS11',
    '--tls-cipher-suites=TLS_NULL',
    '--log_file_max_size=much',
    '--log-perm=rw',
    '--encap-checksum=no',
  ])('are never %s: it is refused by name', (word) => {
    const [flag = ''] = word.split('=');
    expect(() => parse(word)).toThrow(flag);
  });
});

describe('the log file', () => {
  const file = '--log_file=/var/log/kube-ovn/kube-ovn-cni.log';

  it("is written as Kube-OVN's charts have it: up to a size, beside standard output", () => {
    const argv = [file, '--logtostderr=false', '--alsologtostderr=true', '--log_file_max_size=200'];
    expect(parse(...argv).logFile).toEqual({
      path: '/var/log/kube-ovn/kube-ovn-cni.log',
      maxBytes: 200 * 1024 * 1024,
      mode: 0o640,
      alsoStdout: true,
    });
  });

  it("is not written where klog's flags say that the log goes to standard error alone", () => {
    expect(parse(file).logFile).toBeUndefined();
    expect(parse(file, '--logtostderr').logFile).toBeUndefined();
    expect(parse('--logtostderr=false').logFile).toBeUndefined();
  });

  it('has always a limit, and is never for everybody to write', () => {
    const argv = [file, '--logtostderr=false', '--log_file_max_size=0', '--log-perm=666'];
    expect(parse(...argv).logFile).toMatchObject({ maxBytes: 1800 * 1024 * 1024, mode: 0o664 });
  });

  it('has an absolute path', () => {
    expect(() => parse('--log_file=log/x', '--logtostderr=false')).toThrow(/--log_file=log\/x/);
  });
});

describe('secure serving', () => {
  it("has TLS 1.2 at least, and Node's own suites", () => {
    const tls = { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.3' };
    expect(parse('--secure-serving').health.tls).toEqual(tls);
    expect(parse('--tls-min-version=TLS13').health.tls).toBeUndefined();
  });

  it("takes Go's names of versions and suites", () => {
    const suites = [
      '--tls-cipher-suites=TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,TLS_AES_128_GCM_SHA256',
      '--tls-cipher-suites=TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256',
      '--tls-cipher-suites=TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA',
    ];
    const argv = ['--secure-serving', '--tls-min-version=TLS12', '--tls-max-version=TLS12'];
    expect(parse(...argv, ...suites).health.tls).toEqual({
      minVersion: 'TLSv1.2',
      maxVersion: 'TLSv1.2',
      ciphers:
        'ECDHE-ECDSA-AES256-GCM-SHA384:TLS_AES_128_GCM_SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-SHA',
    });
  });
});
