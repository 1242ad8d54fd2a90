/** Calls of the executable: environments and network configurations, right and spoiled. */
import * as fc from 'fast-check';
import { type Members, membersOf, nearObject, nearText, oddValue, toText } from './json.ts';
import {
  address,
  almost,
  cidr,
  containerId,
  hostileText,
  interfaceName,
  mac,
  netns,
  podName,
  provider,
  spoiled,
  uid,
} from './texts.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Stands for the daemon's socket in a configuration; no path, until the run gives it one. */
export const SOCKET = 'SOCKET';

const command = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom('ADD', 'DEL', 'CHECK', 'GC', 'STATUS') },
  { weight: 1, arbitrary: fc.constantFrom('VERSION', 'UPDATE', 'add', '') },
);

const args = fc
  .tuple(almost(podName, 40), almost(podName, 40), almost(uid, 40))
  .map(
    ([namespace, name, id]) =>
      `IgnoreUnknown=1;K8S_POD_NAMESPACE=${namespace};K8S_POD_NAME=${name};K8S_POD_UID=${id}`,
  );

/** The variables of a call; some missing. */
export const environment: fc.Arbitrary<Environment> = fc.record({
  CNI_COMMAND: fc.oneof({ weight: 30, arbitrary: command }, { weight: 1, arbitrary: hostileText }),
  CNI_CONTAINERID: mostly(almost(containerId, 60)),
  CNI_NETNS: mostly(almost(netns, 60)),
  CNI_IFNAME: mostly(almost(interfaceName, 60)),
  CNI_ARGS: mostly(almost(args, 60)),
  CNI_PATH: fc.constantFrom(undefined, '/opt/cni/bin'),
});

function mostly(value: fc.Arbitrary<string>): fc.Arbitrary<string | undefined> {
  return fc.oneof(
    { weight: 100, arbitrary: value },
    { weight: 1, arbitrary: fc.constant(undefined) },
  );
}

const json = (text: fc.Arbitrary<string>) => text.map((value) => JSON.stringify(value));

const version = fc.oneof(
  { weight: 1, arbitrary: fc.constantFrom('0.1.0', '0.2.0', '0.3.0', '0.3.1', '0.4.0', '1.0.0') },
  { weight: 4, arbitrary: fc.constant('1.1.0') },
);

function mostlyFirst<T>(first: fc.Arbitrary<T>, second: fc.Arbitrary<T>): fc.Arbitrary<T> {
  return fc.oneof({ weight: 4, arbitrary: first }, { weight: 1, arbitrary: second });
}

/** JSON arrays of objects of which each is `right`, or near it. */
function lists(
  right: fc.Arbitrary<object>,
  values: Readonly<Record<string, fc.Arbitrary<string>>>,
  keys: readonly string[] = [],
): { right: fc.Arbitrary<string>; near: fc.Arbitrary<string> } {
  const members = right.map((value) => membersOf({ ...value }));
  const list = (entry: fc.Arbitrary<Members>) =>
    fc.array(entry.map(toText), { maxLength: 3 }).map((all) => `[${all.join()}]`);
  const near = nearObject(members, values, keys);
  return { right: list(members), near: mostlyFirst(list(near), oddValue) };
}

const routes = lists(
  fc.constantFrom(
    { dst: '10.99.0.0/16', gw: '10.16.0.1' },
    { gw: '10.16.0.1' },
    { dst: 'fd99::/64', gw: 'fd00::1' },
    { dst: '10.98.0.1/24' },
  ),
  { dst: json(almost(cidr)), gw: json(almost(address)) },
);
const dns = nearObject(
  fc.constantFrom<Members>(
    [],
    membersOf({ nameservers: ['10.96.0.10'], domain: 'a.org', search: ['a.org'], options: [] }),
  ),
  {},
  ['nameservers', 'domain', 'search', 'options'],
).map(toText);

const bandwidthFields = ['ingressRate', 'ingressBurst', 'egressRate', 'egressBurst'];
const runtimeConfig = nearObject(
  fc.constantFrom<Members>(
    membersOf({ ingressRate: 1_000_000, ingressBurst: 2 ** 32 - 1 }),
    membersOf({ ingressRate: 0, ingressBurst: 0, egressRate: 5000, egressBurst: 4000 }),
    [['egressRate', '18446744073709551615']],
  ),
  {},
  bandwidthFields,
).map((members) => toText([['bandwidth', toText(members)]]));

const validAttachments = lists(fc.record({ containerID: containerId, ifname: interfaceName }), {
  containerID: json(almost(containerId)),
  ifname: json(almost(interfaceName)),
});
/** The same as the daemon gets it. */
export const validAttachmentList = lists(
  fc.record({ container_id: containerId, if_name: interfaceName }),
  { container_id: json(almost(containerId)), if_name: json(almost(interfaceName)) },
);

const prevInterfaces = lists(
  fc.record({ name: interfaceName, mac, mtu: fc.constantFrom(0, 1400), sandbox: netns }),
  {},
  ['name', 'mac', 'mtu', 'sandbox'],
);
const prevAddresses = lists(
  fc.record({ address: cidr, gateway: address, interface: fc.integer({ min: -1, max: 2 }) }),
  {},
  ['address', 'gateway', 'interface'],
);
const toPrevResult = ([interfaces, ips, all]: readonly string[]) =>
  `{"interfaces":${interfaces},"ips":${ips},"routes":${all}}`;
export const prevResults = {
  right: fc.tuple(prevInterfaces.right, prevAddresses.right, routes.right).map(toPrevResult),
  near: fc.tuple(prevInterfaces.near, prevAddresses.near, routes.near).map(toPrevResult),
};

/** Paths below the run's own directory, and what is no path: nothing else may be written to. */
const serverSocket = fc.oneof(
  { weight: 20, arbitrary: fc.constant(JSON.stringify(SOCKET)) },
  {
    weight: 2,
    arbitrary: hostileText
      .filter((text) => text.length < 200 && !text.includes('..'))
      .map((text) => JSON.stringify(SOCKET + text)),
  },
  { weight: 1, arbitrary: oddValue.filter((text) => !/^\s*"(\/|\\u002f)/i.test(text)) },
);

const own = fc.tuple(almost(provider, 40), mostlyFirst(routes.right, routes.near)).map(
  ([name, all]): Members => [
    ['server_socket', JSON.stringify(SOCKET)],
    ['provider', JSON.stringify(name)],
    ['routes', all],
  ],
);
const common = fc
  .tuple(
    version,
    mostlyFirst(prevResults.right, prevResults.near),
    mostlyFirst(validAttachments.right, validAttachments.near),
  )
  .map(
    ([cniVersion, prev, valid]): Members => [
      ['cniVersion', JSON.stringify(cniVersion)],
      ['name', '"net"'],
      ['dns', '{"nameservers":["10.96.0.10"]}'],
      ['prevResult', prev],
      ['cni.dev/valid-attachments', valid],
    ],
  );

const VALUES = {
  server_socket: serverSocket,
  provider: json(almost(provider)),
  routes: routes.near,
  dns: fc.oneof(dns, oddValue),
  runtimeConfig: fc.oneof(
    { weight: 3, arbitrary: runtimeConfig },
    { weight: 1, arbitrary: oddValue },
  ),
  prevResult: fc.oneof(prevResults.near, oddValue),
  'cni.dev/valid-attachments': validAttachments.near,
  cniVersion: fc.oneof(json(almost(version)), oddValue),
};
const KEYS = [
  ...['name', 'type', 'deviceID', 'vf_driver', 'vhost_user_socket_volume_name'],
  ...['vhost_user_socket_name', 'vhost_user_socket_consumption', 'ipam'],
];

/** For an interface of ours. */
const ofOurs = fc
  .tuple(common, own)
  .map(([first, second]): Members => [...first, ['type', '"kube-ovn"'], ...second]);
/** For another plugin, which asks for addresses only. */
const ofDelegate = fc
  .tuple(common, nearObject(own, VALUES, ['type']))
  .map(
    ([first, second]): Members => [
      ...first,
      ['type', '"macvlan"'],
      ['ipam', toText([['type', '"kube-ovn"'], ...second])],
    ],
  );

/** Standard input of a call, with `SOCKET` in the place of the daemon's. */
export const networkConfig: fc.Arbitrary<string> = nearText(
  nearObject(
    fc.oneof({ weight: 3, arbitrary: ofOurs }, { weight: 1, arbitrary: ofDelegate }),
    VALUES,
    KEYS,
  ),
);

const ips = lists(
  fc.constantFrom(
    { protocol: 'IPv4', ip: '10.16.0.5', cidr: '10.16.0.0/16', gateway: '10.16.0.1' },
    { protocol: 'IPv6', ip: 'fd00::5', cidr: 'fd00::/64' },
  ),
  { ip: json(almost(address)), cidr: json(almost(cidr)), gateway: json(almost(address)) },
  ['protocol'],
);

/** What the daemon says of a successful ADD. */
const addAnswer = nearObject(
  fc.tuple(ips.right, routes.right).map(
    ([addresses, all]): Members => [
      ['ips', addresses],
      ['routes', all],
      ...membersOf({ mac_address: '00:00:00:53:6b:b6', mtu: 1400, nicname: 'eth0', error: '' }),
      ...membersOf({
        subnet_gateways: ['10.16.0.1', 'fd00::1'],
        host_interface: { name: 'c0ffee_h', mac: '4a:00:00:00:00:01' },
      }),
      ['dns', '{}'],
    ],
  ),
  {
    ips: ips.near,
    routes: routes.near,
    dns: fc.oneof(dns, oddValue),
    mac_address: json(almost(mac)),
    nicname: json(almost(interfaceName)),
    subnet_gateways: fc.array(almost(address), { maxLength: 3 }).map((all) => JSON.stringify(all)),
    host_interface: fc
      .record({ name: almost(interfaceName), mac: almost(mac) })
      .map((end) => JSON.stringify(end)),
  },
  ['mtu', 'error', 'cni_error'],
);

const failureAnswer = nearObject(
  nearObject(
    fc
      .record({ code: fc.constantFrom(7, 11, 50, 102), msg: hostileText, details: hostileText })
      .map(membersOf),
    {},
    ['code', 'msg', 'details'],
  ).map(
    (error): Members => [
      ['cni_error', toText(error)],
      ['error', '"failed"'],
    ],
  ),
  { error: oddValue },
  ['cni_error'],
);

/** The body of an answer. */
export const answerBody: fc.Arbitrary<string> = fc.oneof(
  { weight: 6, arbitrary: nearText(addAnswer) },
  { weight: 2, arbitrary: nearText(failureAnswer) },
  { weight: 1, arbitrary: fc.constantFrom('', 'OK', '{}', 'null') },
  { weight: 1, arbitrary: spoiled(fc.constant('delete nic failed')) },
);
