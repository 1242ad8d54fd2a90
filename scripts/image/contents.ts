/**
 * What is in the two images: packages of Debian by name, what is left out of them, and why. The
 * versions are in image/debian-packages.lock, sizes and reasons for people in docs/image.md.
 */

export interface Contents {
  /** Packages that are wanted for themselves, and what each is there for. */
  readonly packages: Readonly<Record<string, string>>;
  /** Packages on which those depend and which nothing here needs. */
  readonly without: Readonly<Record<string, string>>;
  /** Files of the packages that nothing here needs: paths, or folders with all that is in them. */
  readonly remove: readonly string[];
  /** Executables that the installer takes from elsewhere: from, to. They get its mark. */
  readonly moves: Readonly<Record<string, string>>;
  /** Links that Debian's maintainer scripts would make, to where they point. */
  readonly links: Readonly<Record<string, string>>;
  /** System users and groups that maintainer scripts would make, with their number. */
  readonly users: Readonly<Record<string, number>>;
  /** Empty folders. */
  readonly folders: readonly string[];
}

export const ARCHITECTURES = ['amd64', 'arm64'] as const;
export type Architecture = (typeof ARCHITECTURES)[number];

const SHELL = {
  'base-files': 'folders, /etc/os-release',
  'base-passwd': 'root and nobody by name',
  bash: 'start scripts, kubectl-ko',
  coreutils: 'start scripts',
  dash: 'sh of the charts',
  findutils: 'env-check',
  grep: 'env-check',
  gzip: 'kubectl cp',
  hostname: 'who looks around by hand',
  'libc-bin': 'getent, ldd',
  mawk: 'env-check',
  sed: 'start scripts',
  tar: 'kubectl cp, kubectl ko log',
};

const NODE_TOOLS = {
  iproute2: 'the daemon: ip, tc',
  'iputils-ping': 'the daemon: ping',
  ethtool: 'the daemon: checksum offload',
  procps: 'sysctl; kubectl ko log: free, top',
  'util-linux': 'nsenter; kubectl ko log: dmesg',
  'dumb-init': 'process 1 of the image: passes signals on, reaps children',
};

/** What OVS and OVN depend on for scripts in Python, and Debian for its package manager. */
const NOT_NEEDED = {
  adduser: 'makes a user when a package is installed',
  debconf: 'asks questions when a package is installed',
  'init-system-helpers': 'no services of systemd here',
  libpam0g: 'of login and su, which are left out',
  'libpam-runtime': 'of login and su, which are left out',
  'lsb-release': 'of scripts of services',
  dpkg: 'installs nothing here; the list of packages is kept for scanners',
  debianutils: 'run-parts, which',
  'libcap2-bin': 'sets file capabilities when a package is installed',
  'libdb5.3': 'of arpd, which is left out',
  libdebconfclient0: 'asks questions when a package is installed',
  openssl: 'the command; keys are made elsewhere',
  perl: 'scripts of ndisc6 and others that nothing runs',
  'perl-base': 'likewise',
  python3: 'ovs-tcpdump, ovn-detrace and others that nothing runs',
  'python3-netifaces': 'likewise',
  'python3-openvswitch': 'likewise',
  'util-linux-extra': 'hwclock and the like',
  'readline-common': 'key bindings',
  'sgml-base': "registers libxml's catalogues",
  'uuid-runtime': 'makes the system-id, which OVS of the host has',
};

/** Character sets other than UTF-8, and programs that change users. */
const UNUSED = [
  'usr/lib/*-linux-gnu/gconv',
  'usr/bin/su',
  'usr/sbin/{runuser,arpd,agetty,getty,sulogin,update-passwd}',
  'var/{backups,lib/systemd}',
];

const LINKS = {
  'usr/bin/awk': 'mawk',
  'var/run': '/run',
  'var/lock': '/run/lock',
};

/**
 * nftables is what kernels of today have; who needs the other backend calls iptables-legacy, or puts
 * links into /usr/local/sbin, as the charts' volume there is meant for.
 */
const IPTABLES = Object.fromEntries(
  ['', '-save', '-restore'].flatMap((suffix) =>
    ['iptables', 'ip6tables', 'arptables', 'ebtables'].map((name) => [
      `usr/sbin/${name}${suffix}`,
      `${name}-nft${suffix}`,
    ]),
  ),
);

const AGENT: Contents = {
  packages: {
    ...SHELL,
    ...NODE_TOOLS,
    'openvswitch-common': 'ovs-appctl, ovs-ofctl',
    'openvswitch-switch': 'ovs-vsctl, ovsdb-client, ovs-dpctl',
    'ovn-common': 'ovn-nbctl, ovn-sbctl',
    'iputils-arping': 'the daemon: arping -D and -f',
    arping: 'kubectl ko trace: arping -C and -i',
    'containernetworking-plugins': 'loopback, portmap, macvlan, ipvlan for the node',
    curl: 'kubectl ko diagnose',
    ipset: 'kubectl ko log; the start script of the charts',
    iptables: 'both backends: the charts, kubectl ko log',
    ndisc6: 'kubectl ko trace',
    'libstdc++6': 'node',
    'ncurses-base': 'kubectl ko log: top asks for a terminal',
    'net-tools': 'kubectl ko log and env-check: netstat',
    tcpdump: 'kubectl ko tcpdump',
  },
  without: { ...NOT_NEEDED, kmod: "modules are the host's business" },
  moves: Object.fromEntries(
    ['loopback', 'portmap', 'macvlan', 'ipvlan'].map((plugin) => [`usr/lib/cni/${plugin}`, plugin]),
  ),
  remove: [
    ...UNUSED,
    'usr/lib/cni',
    'usr/lib/openvswitch-switch',
    'usr/sbin/ovsdb-server',
    'usr/bin/{ovsdb-tool,ovn-trace,ovn-ic-nbctl,ovn-ic-sbctl}',
  ],
  links: { ...LINKS, ...IPTABLES },
  // tcpdump becomes this user before it reads a packet, and ends where it cannot.
  users: { tcpdump: 100 },
  // `kubectl ko log` fetches it. The charts mount the host's; the manifests of deploy/ have none.
  folders: ['var/log/kube-ovn'],
};

const OVN: Contents = {
  packages: {
    ...SHELL,
    ...NODE_TOOLS,
    kmod: 'loads openvswitch',
    'openvswitch-common': 'ovs-appctl, ovs-ofctl',
    'openvswitch-switch': 'ovs-vswitchd, ovsdb-server',
    'ovn-common': 'ovn-nbctl, ovn-sbctl, ovn-ctl',
    'ovn-central': 'northd',
    'ovn-host': 'ovn-controller',
  },
  without: NOT_NEEDED,
  moves: {},
  remove: [...UNUSED, 'usr/bin/ovn-ic', 'usr/bin/{ovn-ic-nbctl,ovn-ic-sbctl}'],
  links: { ...LINKS, 'usr/sbin/ovs-vswitchd': '../lib/openvswitch-switch/ovs-vswitchd' },
  users: {},
  folders: [],
};

export const TARGETS = { agent: AGENT, ovn: OVN } as const;
export type Target = keyof typeof TARGETS;
