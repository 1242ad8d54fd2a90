/** A short soak: `npm run soak` as it is, in this file's namespaces; and that it would see a leak. */
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Finding, unexplained } from '../../scripts/soak/census.ts';
import type { Nic } from '../../scripts/soak/networks.ts';
import type { Home } from '../../scripts/soak/pods.ts';
import { outcomeOf } from '../lab/command.ts';

const SCRIPT = resolve(import.meta.dirname, '../../scripts/soak.ts');
const CYCLES = 40;
const SEED = 7;
/** It takes half a minute on a node that does nothing else. */
const TIMEOUT_MS = 180_000;
const NONE = {
  ...{ leaked_ports: 0, leaked_qos: 0, leaked_links: 0, leaked_namespaces: 0, leaked_records: 0 },
  ...{ leaked_files: 0, leaked_processes: 0, live_damaged: 0, surprises: 0 },
};

test(`${CYCLES} random steps leave nothing and damage no pod`, {
  timeout: TIMEOUT_MS,
}, async () => {
  const file = join(await mkdtemp(join(tmpdir(), 'soak-')), 'figures.json');
  const words = [SCRIPT, '--cycles', `${CYCLES}`, '--seed', `${SEED}`, '--json', file];
  const options = { timeoutMs: TIMEOUT_MS };
  const { exitCode, stdout, stderr } = await outcomeOf(process.execPath, words, options);
  expect(exitCode, stdout + stderr).toBe(0);
  const figures = JSON.parse(await readFile(file, 'utf8'));
  expect(figures).toMatchObject({ cycles: CYCLES, seed: SEED, ...NONE });
  expect(figures.kills).toBeGreaterThan(0);
});

describe('a census tells a leak from', () => {
  const nic = { ifName: 'net1', network: { isIpam: false } } as Nic;
  const home: Home = {
    sandbox: {
      containerId: 'c0ffee',
      netns: '/run/netns/one',
      netnsName: 'one',
      pod: { namespace: 'default', name: 'web', uid: 'uid' },
    },
    nics: [nic],
    results: new Map(),
    gone: new Set(),
    isMounted: true,
    isForgotten: false,
  };
  const finding = (what: Finding['what'], name: string, key?: string): Finding => ({
    ...{ what, name, key, externalIds: {} },
  });
  const own = [
    finding('port', 'c0ffee_net1_h', 'c0ffee/net1'),
    finding('QoS', 'uuid-1', 'c0ffee/net1'),
    finding('Queue', 'uuid-2', 'c0ffee/net1'),
    finding('link', 'c0ffee_net1_h', 'c0ffee/net1'),
  ];
  const namespace = finding('namespace', 'one');

  test('what belongs to a sandbox that is there', () => {
    expect(unexplained([...own, namespace], [], [home])).toEqual([]);
  });

  test('what was there before', () => {
    const before = [finding('port', 'br-int'), finding('link', 'lo'), finding('file', '.1a')];
    expect(unexplained(before, before, [])).toEqual([]);
  });

  test.each<[string, Partial<Home>]>([
    ['whose DEL is done', { gone: new Set(['net1']) }],
    ['that was destroyed', { isMounted: false }],
  ])('a sandbox %s explains no port', (_, change) => {
    expect(unexplained(own, [], [{ ...home, ...change }])).toEqual(own);
  });

  test('a second row of an attachment, a record and a link without marks', () => {
    const leaks = [
      finding('QoS', 'uuid-3', 'c0ffee/net1'),
      finding('record', 'some.json'),
      finding('link', 'a1b2c3_net1_h'),
      finding('namespace', 'two'),
    ];
    expect(unexplained([...own, ...leaks], [], [home])).toEqual(leaks);
  });
});
