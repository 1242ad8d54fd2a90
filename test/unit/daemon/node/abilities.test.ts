import { describe, expect, it } from 'vitest';
import {
  Abilities,
  missingCapabilities,
  privateMount,
} from '../../../../src/daemon/node/abilities.ts';

const status = (mask: string) => `Name:\tnode\nCapInh:\t0\nCapEff:\t${mask}\nCapBnd:\tffff\n`;

describe('capabilities', () => {
  it.each([
    ['000001ffffffffff', []],
    ['0000000000203000', []],
    ['0000000000201000', ['NET_RAW']],
    ['0000000000202000', ['NET_ADMIN']],
    ['0000000000003000', ['SYS_ADMIN']],
    ['00000000a80425fb', ['NET_ADMIN', 'SYS_ADMIN']],
    ['0', ['NET_ADMIN', 'NET_RAW', 'SYS_ADMIN']],
  ])('of the mask %s lack %j', (mask, names) => {
    const found = missingCapabilities(status(mask));
    expect(found.map((text) => /capability (\w+), to /.exec(text)?.[1])).toEqual(names);
  });

  it('that nobody tells are not said to be missing', () => {
    expect(missingCapabilities('Name:\tnode\n')).toEqual([]);
  });
});

/** Lines of mountinfo, proc(5): point and optional fields. */
const mounts = (...entries: readonly [point: string, optional: string][]) =>
  entries
    .map(([point, optional], id) => `${id} 0 0:1 / ${point} rw ${optional}- tmpfs tmpfs rw`)
    .join('\n');

describe('the mount of a path', () => {
  it.each<[string, readonly [string, string][], string | undefined]>([
    ['shared', [['/', 'shared:1 ']], undefined],
    ['one that follows another', [['/run/netns', 'master:7 ']], undefined],
    [
      'private',
      [
        ['/', ''],
        ['/run/netns', ''],
      ],
      '/run/netns',
    ],
    [
      'that of a folder above',
      [
        ['/', 'shared:1 '],
        ['/run', ''],
      ],
      '/run',
    ],
    [
      'the one on top',
      [
        ['/run', ''],
        ['/run', 'shared:3 '],
      ],
      undefined,
    ],
    [
      'not that of a name that begins alike',
      [
        ['/', 'shared:1 '],
        ['/run/net', ''],
      ],
      undefined,
    ],
    [
      'not one below',
      [
        ['/', 'shared:1 '],
        ['/run/netns/x', ''],
      ],
      undefined,
    ],
  ])('is %s', (_title, entries, point) => {
    expect(privateMount(mounts(...entries), '/run/netns')).toBe(point);
  });
});

it('an ADD is refused with code 11 where a capability is missing, and not otherwise', () => {
  const readMounts = () => mounts(['/', 'shared:1 ']);
  const lacking = new Abilities({ readStatus: () => status('0000000000201000'), readMounts });
  expect(() => lacking.refuseWithout()).toThrow('this daemon has no capability NET_RAW, to ask');
  expect(lacking.failures()).toHaveLength(1);
  const complete = new Abilities({ readStatus: () => status('000001ffffffffff'), readMounts });
  complete.refuseWithout();
  expect(complete.failures()).toEqual([]);
});
