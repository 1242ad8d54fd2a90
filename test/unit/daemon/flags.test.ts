import { hostname } from 'node:os';
import { describe, expect, it } from 'vitest';
import { parseFlags } from '../../../src/daemon/flags.ts';

/** Kube-OVN v1.17's flags, and klog's. */
const BOOLEAN_FLAGS = [
  'cert-manager-ipsec-cert',
  'enable-arp-detect-ip-conflict',
  'enable-metrics',
  'enable-mirror',
  'enable-ovn-ipsec',
  'enable-pprof',
  'enable-tproxy',
  'enable-verbose-conn-check',
  'encap-checksum',
  'host-tunnel-src',
  'install-cni-config',
  'mac-learning-fallback',
  'non-primary-cni-mode',
  'secure-serving',
  'set-vxlan-tx-off',
  'add_dir_header',
  'alsologtostderr',
  'logtostderr',
  'skip_headers',
  'skip_log_headers',
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
  ['tls-cipher-suites', 'TLS_A,TLS_B'],
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
const ACTED_ON = [
  'bind-socket',
  'enable-arp-detect-ip-conflict',
  'enable-mirror',
  'iface',
  'kubeconfig',
  'mirror-iface',
  'mtu',
  'network-type',
  'ovs-socket',
];

const parse = (...argv: string[]) => parseFlags(argv, { NODE_NAME: 'node-1' });
const ignoredOf = (flag: string) => (ACTED_ON.includes(flag) ? [] : [flag]);

describe("Kube-OVN's flags", () => {
  it.each(BOOLEAN_FLAGS)('--%s is taken alone, with true and with false', (flag) => {
    for (const word of [`--${flag}`, `--${flag}=true`, `--${flag}=false`]) {
      expect(parse(word).ignored).toEqual(ignoredOf(flag));
    }
  });

  it.each(BOOLEAN_FLAGS)('--%s alone does not take the next word for its value', (flag) => {
    expect(parse(`--${flag}`, '--mtu=1300').mtu).toBe(1300);
    expect(() => parse(`--${flag}`, 'true')).toThrow(/'true'/);
  });

  it.each(VALUE_FLAGS)('--%s is taken with its default %j', (flag, value) => {
    expect(parse(`--${flag}=${value}`).ignored).toEqual(ignoredOf(flag));
    if (value !== '') expect(parse(`--${flag}`, value).ignored).toEqual(ignoredOf(flag));
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
      expect(parse(...argv).ignored).toEqual(['v']);
    },
  );

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
      socketPath: '/run/openvswitch/kube-ovn-daemon.sock',
      ovsDatabase: 'unix:/run/openvswitch/db.sock',
      nodeName: 'node-1',
      tunnelInterface: '',
      mtu: 0,
      networkType: 'geneve',
      detectIpv4Conflict: true,
      mirrorAll: false,
      mirrorInterface: 'mirror0',
      addTimeoutMs: 110_000,
      ignored: [],
    });
  });

  it('are what the command line says', () => {
    const argv = [
      '--bind-socket=/tmp/s',
      '--ovs-socket=/tmp/db.sock',
      '--kubeconfig=/k',
      '--iface=eth1,bond.*',
      '--mtu=1300',
      '--network-type=vxlan',
      '--enable-arp-detect-ip-conflict=false',
      '--enable-mirror',
      '--mirror-iface=tap0',
      '--add-timeout-seconds=30',
      '--node-name=node-2',
    ];
    expect(parse(...argv)).toEqual({
      socketPath: '/tmp/s',
      ovsDatabase: 'unix:/tmp/db.sock',
      kubeconfigPath: '/k',
      nodeName: 'node-2',
      tunnelInterface: 'eth1,bond.*',
      mtu: 1300,
      networkType: 'vxlan',
      detectIpv4Conflict: false,
      mirrorAll: true,
      mirrorInterface: 'tap0',
      addTimeoutMs: 30_000,
      ignored: [],
    });
  });

  it('are the last of a flag that is given twice', () => {
    expect(parse('--mtu=1300', '--mtu', '1200').mtu).toBe(1200);
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
    expect(parse('--network-type=vlan').networkType).toBe('geneve');
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
  ])('are never %s: it is refused by name', (word) => {
    const [flag = ''] = word.split('=');
    expect(() => parse(word)).toThrow(flag);
  });
});
