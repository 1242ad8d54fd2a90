/**
 * The daemon with the rights that deploy/base gives its container, and no other: capabilities, and no
 * way to gain more.
 */
import { readFileSync } from 'node:fs';
import { loadAll } from 'js-yaml';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Daemon } from '../lab/daemon.ts';
import { cni } from '../lab/runtime.ts';
import { Fixture, KUBECONFIG, ovnConfig } from './fixture.ts';
import { canPing, mustAdd, mustDelete } from './observe.ts';

interface DaemonSet {
  readonly spec: {
    readonly template: {
      readonly spec: {
        readonly containers: readonly [
          { readonly securityContext: { readonly capabilities: { readonly add: string[] } } },
        ];
      };
    };
  };
}

const MANIFEST = new URL('../../deploy/base/daemon.yaml', import.meta.url);
const [daemonSet] = loadAll(readFileSync(MANIFEST, 'utf8')) as [DaemonSet];
const [{ securityContext }] = daemonSet.spec.template.spec.containers;
const names = securityContext.capabilities.add.map((name) => `+${name.toLowerCase()}`);
const within = [
  'setpriv',
  '--no-new-privs',
  '--inh-caps=-all',
  `--bounding-set=${['-all', ...names].join(',')}`,
];

let fixture: Fixture;
beforeAll(async () => {
  fixture = await Fixture.start();
  await fixture.daemon.stop();
  const { chassis: nodeName } = fixture.node;
  fixture.daemon = await Daemon.start({ kubeconfig: KUBECONFIG, nodeName, within });
});
afterAll(() => fixture[Symbol.asyncDispose]());

test('has what ADD, CHECK, STATUS and DEL need', async () => {
  const { sandbox, nic } = await fixture.pod();
  const config = ovnConfig({ provider: nic.provider });
  const prevResult = await mustAdd(sandbox, 'net1', config);
  expect(await canPing(sandbox, '172.17.0.1')).toBe(true);
  const check = await cni('CHECK', sandbox, 'net1', { ...config, prevResult });
  expect([check.exitCode, check.stdout]).toEqual([0, '']);
  const status = await cni('STATUS', sandbox, 'net1', { ...config, cniVersion: '1.1.0' });
  expect([status.exitCode, status.stdout]).toEqual([0, '']);
  await mustDelete(sandbox, 'net1', { ...config, prevResult });
  expect(fixture.daemon.logLines('permission denied')).toEqual([]);
  expect(fixture.daemon.logLines('Operation not permitted')).toEqual([]);
});
