/**
 * What one pod's author can write is read in a time that does not grow faster than what is written:
 * four times as much costs about four times as much, and not sixteen times.
 */
import { describe, expect, it } from 'vitest';
import { annotatedNics } from '../../../../src/controller/networks/annotated-nics.ts';
import { podNetworks } from '../../../../src/controller/networks/pod-networks.ts';
import {
  ATTACHNET_NAD,
  attachnetSubnet,
  type Cluster,
  MACVLAN_NAD,
  macvlanSubnet,
  NETWORKS,
  ovnDefault,
  podOf,
  problemsOf,
  viewOf,
} from './support.ts';

const cluster: Cluster = {
  settings: { isPrimary: true },
  nads: { 'default/macvlan': MACVLAN_NAD, 'default/attachnet': ATTACHNET_NAD },
  subnets: { macvlan: macvlanSubnet, attachnet: attachnetSubnet, 'ovn-default': ovnDefault },
};
const view = viewOf(cluster);

/** Characters of all annotations of an object that the API server takes. */
const ANNOTATIONS_CHARS_MAX = 256 * 1024;
/** More than four, and far less than sixteen; a machine may be busy with something else meanwhile. */
const RATIO_MAX = 9;

type Write = (chars: number) => Record<string, string>;

const repeated = (text: string, separator: string, chars: number) =>
  Array(Math.floor(chars / (text.length + separator.length)))
    .fill(text)
    .join(separator);
const numbered = (item: (index: number) => string, chars: number) => {
  const length = Math.floor(chars / (item(99_999).length + 1));
  return Array.from({ length }, (_, index) => item(index)).join(',');
};

/** Each of these was quadratic, or is of the shape of something that was. */
const WRITTEN: readonly (readonly [string, Write])[] = [
  ['one network again and again', (chars) => ({ [NETWORKS]: repeated('macvlan', ',', chars) })],
  [
    'one network with many interfaces',
    (chars) => ({ [NETWORKS]: numbered((index) => `macvlan@i${index}`, chars) }),
  ],
  ['nothing but commas', (chars) => ({ [NETWORKS]: ','.repeat(chars) })],
  ['nothing but slashes', (chars) => ({ [NETWORKS]: '/'.repeat(chars) })],
  ['one name without end', (chars) => ({ [NETWORKS]: `${'a'.repeat(chars)}!` })],
  [
    'networks in JSON',
    (chars) => ({ [NETWORKS]: `[${repeated('{"name":"macvlan"}', ',', chars)}]` }),
  ],
  [
    'addresses in JSON',
    (chars) => ({
      [NETWORKS]: `[{"name":"macvlan","ips":[${repeated('"fd00::1"', ',', chars)}]}]`,
    }),
  ],
  ...['ovn', 'macvlan.default', 'attachnet.default.ovn'].flatMap(
    (provider): (readonly [string, Write])[] => {
      const both = (text: string, other: string, cidr: string) => (chars: number) => ({
        [NETWORKS]: 'macvlan,attachnet',
        [`${provider}.kubernetes.io/${other}`]: repeated(text, ',', chars / 2),
        [`${provider}.kubernetes.io/cidr`]: repeated(cidr, ',', chars / 2),
      });
      return [
        [`addresses and networks of ${provider}`, both('10.1.1.1', 'ip_address', '9.0.0.0/8')],
        [`a pool and networks of ${provider}`, both('10.1.1.1', 'ip_pool', '9.0.0.0/8')],
        [`a pool of IPv6 addresses of ${provider}`, both('fd00::1', 'ip_pool', 'fd01::/64')],
        [`SecurityGroups of ${provider}`, both('group', 'security_groups', '9.0.0.0/8')],
      ];
    },
  ),
];

function timeOf(write: Write, chars: number): number {
  const pod = podOf(write(chars));
  const begun = performance.now();
  podNetworks(pod, view);
  return performance.now() - begun;
}

/** The least of some: what else the machine does only adds to it. */
function leastTimeOf(write: Write, chars: number): number {
  return Math.min(...Array.from({ length: 5 }, () => timeOf(write, chars)));
}

describe('the work on what a pod says', () => {
  it.each(WRITTEN)('grows with it and no faster: %s', (_what, write) => {
    timeOf(write, ANNOTATIONS_CHARS_MAX / 4);
    const quarter = leastTimeOf(write, ANNOTATIONS_CHARS_MAX / 4);
    const whole = leastTimeOf(write, ANNOTATIONS_CHARS_MAX);
    // What takes no time does not matter: with the square it was seconds.
    expect(whole).toBeLessThan(Math.max(RATIO_MAX * quarter, 250));
  });

  it('ends in one short message, whatever is quoted in it', () => {
    for (const [, write] of WRITTEN) {
      const [problem = ''] = problemsOf(podOf(write(ANNOTATIONS_CHARS_MAX)), cluster);
      expect(problem.length).toBeLessThan(2_000);
    }
  });
});

describe('a NIC', () => {
  const key = (name: string) => `attachnet.default.ovn.kubernetes.io/${name}`;
  const problems = (annotations: Record<string, string>) =>
    problemsOf(podOf({ [NETWORKS]: 'attachnet', ...annotations }), cluster);

  it('has 64 SecurityGroups and virtual addresses at most', () => {
    for (const name of ['security_groups', 'port_vips']) {
      const list = (count: number) => ({ [key(name)]: Array(count).fill('10.1.1.1').join() });
      expect(problems(list(64))).toEqual([]);
      expect(problems(list(65))).toEqual([
        `annotation ${key(name)} is wrong: it lists more than 64`,
      ]);
    }
  });

  it('lists SecurityGroups by names that there can be', () => {
    expect(problems({ [key('security_groups')]: 'web, Web_1' })).toEqual([
      `annotation ${key('security_groups')} is wrong: "Web_1" cannot be the name of a SecurityGroup`,
    ]);
  });

  it('chooses from 4096 addresses at most', () => {
    const list = (count: number) => ({
      [key('ip_pool')]: Array.from(
        { length: count },
        (_, at) => `172.17.${at >> 8}.${at & 255}`,
      ).join(),
    });
    expect(problems(list(4096))).toEqual([]);
    expect(problems(list(4097))).toEqual([
      `annotation ${key('ip_pool')} lists more than 4096 addresses`,
    ]);
  });
});

it('what a pod was told, and what its ports are to be, is read with the same bounds', () => {
  const told = podOf({
    'ovn.kubernetes.io/allocated': 'true',
    'ovn.kubernetes.io/ip_address': repeated('fd00::1', ',', ANNOTATIONS_CHARS_MAX),
  });
  const subnetOfPort = () => undefined;
  const [nic] = annotatedNics(told, {
    settings: view.settings,
    subnets: view.subnets,
    subnetOfPort,
  });
  expect(nic?.addresses).toHaveLength(3);
});
