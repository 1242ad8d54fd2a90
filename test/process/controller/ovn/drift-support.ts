/** What the tests of drift share: a watch that keeps what it is told, and objects to be damaged. */
import { expect } from 'vitest';
import type { TlsFiles } from '../../../../src/common/ovsdb/remote.ts';
import { planPod } from '../../../../src/controller/kinds/pod/pod-plan.ts';
import { planSecurityGroup } from '../../../../src/controller/kinds/security-group/security-group-plan.ts';
import { planSwitch } from '../../../../src/controller/kinds/subnet/switch-plan.ts';
import { planRouter } from '../../../../src/controller/kinds/vpc/router-plan.ts';
import { onDrift } from '../../../../src/controller/ovn/drift.ts';
import type { DriftChange } from '../../../../src/controller/ovn/drift-tables.ts';
import {
  aclOf,
  attachedSwitch,
  cidr,
  groupOf,
  MAC,
  portOf,
  routeOf,
  routerOf,
  ruleOf,
} from '../../../unit/controller/ovn/support.ts';
import { RecordingLog } from '../../../unit/daemon/recording-log.ts';
import { type NbDatabase, open } from './database.ts';

export interface Watching {
  readonly changes: readonly DriftChange[];
  readonly log: RecordingLog;
  /** Resolves when changes are told. */
  ready(): Promise<void>;
}

/** What is told of a database, by a session of its own. */
export function watch(database: string, tls?: TlsFiles): Watching {
  const log = new RecordingLog();
  const changes: DriftChange[] = [];
  const northbound = open(database, { log, ...(tls && { tls }) });
  onDrift(northbound.state, (change) => void changes.push(change));
  return { changes, log, ready: () => northbound.ready() };
}

export async function watched(database: NbDatabase): Promise<Watching> {
  const watching = watch(database.remote);
  await watching.ready();
  return watching;
}

/** Waits until this much has been told, and nothing else. */
export async function told(watching: Watching, ...changes: readonly DriftChange[]): Promise<void> {
  await expect.poll(() => watching.changes.length).toBeGreaterThanOrEqual(changes.length);
  expect(watching.changes).toEqual(changes);
}

export const PORT = 'web-0.shop.net.shop.ovn';
export const pod = (key = 'shop/web-0'): DriftChange => ({ kind: 'pod', key });
export const subnet = (name = 'front'): DriftChange => ({ kind: 'subnet', name });
export const vpc = (name = 'tenant'): DriftChange => ({ kind: 'vpc', name });
export const group = (name = 'ovn.sg.a.b'): DriftChange => ({ kind: 'portGroup', name });

/** A Vpc with a Subnet. */
export async function applyNetwork(database: NbDatabase): Promise<void> {
  const routes = [routeOf('0.0.0.0/0', '10.1.0.254')];
  const policies = [{ priority: 9, match: 'ip6', action: 'drop', nexthops: [] } as const];
  await database.apply((state) => planRouter(state, routerOf({ routes, policies })));
  const dhcp = [{ cidr: cidr('10.1.0.0/24'), options: {}, newMac: MAC }];
  const changes = {
    dhcp,
    acls: [aclOf('ip')],
    localnet: { network: 'physnet', tag: 7, cidrs: [] },
  };
  await database.apply((state) => planSwitch(state, attachedSwitch('10.1.0.1/24', changes)));
}

/** A SecurityGroup `a-b`, and the pod `shop/web-0` in it. */
export async function applyPod(database: NbDatabase): Promise<void> {
  await database.apply((state) => planSecurityGroup(state, groupOf('a-b', [ruleOf()])));
  const port = portOf('10.1.0.5', { groups: ['a-b'] });
  await database.apply((state) => planPod(state, 'shop/web-0', [port]));
}
