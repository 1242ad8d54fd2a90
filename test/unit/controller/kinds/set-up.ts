/**
 * What a reconciler takes, on a cluster in memory: everything but the cluster, the writes and OVN is the
 * real part.
 */
import { expect } from 'vitest';
import { KeyedLock } from '../../../../src/common/concurrency/keyed-lock.ts';
import { NotDone } from '../../../../src/common/reconcile/not-done.ts';
import { ObjectEvents } from '../../../../src/common/reconcile/object-events.ts';
import { AgentPods } from '../../../../src/controller/cluster/agent-pods.ts';
import { IpIndex } from '../../../../src/controller/cluster/ip-index.ts';
import { Machines } from '../../../../src/controller/cluster/machines.ts';
import { PodIndex } from '../../../../src/controller/cluster/pod-index.ts';
import { Addresses } from '../../../../src/controller/ipam/addresses.ts';
import { Allocator } from '../../../../src/controller/ipam/allocator/allocator.ts';
import type { Context } from '../../../../src/controller/kinds/context.ts';
import type { ClusterSettings } from '../../../../src/controller/model/settings.ts';
import type { Northbound } from '../../../../src/controller/ovn/northbound.ts';
import { NbState } from '../../../../src/controller/ovn/state.ts';
import type { Plan } from '../../../../src/controller/ovn/transaction-builder.ts';
import type { NewObject } from '../../../lab/kubernetes/object.ts';
import { defaultSettings } from '../settings.ts';
import { kubeOvn } from '../support.ts';
import { FakeCluster } from './fake-cluster.ts';

/** A northbound database in which all is as it is wanted, or which fails. */
export class FakeNorthbound {
  readonly state = new NbState();
  /** How often a plan was to be carried out. */
  plans = 0;
  /** What a plan fails with from now on. */
  failure: Error | undefined;

  async apply(): Promise<Plan> {
    this.plans += 1;
    if (this.failure !== undefined) throw this.failure;
    return { waits: [], operations: [], kept: [], claims: new Map() };
  }
}

/** A cluster with these objects, beside the default Vpc. */
export function setUp(objects: readonly NewObject[] = [], changes: Partial<ClusterSettings> = {}) {
  const settings = { ...defaultSettings, ...changes };
  const fake = new FakeCluster(settings);
  const { cluster, log, writes } = fake;
  const machines = new Machines(cluster, settings);
  const podIndex = new PodIndex(cluster, settings, machines);
  const agentPods = new AgentPods(cluster.pods, settings);
  const ipIndex = new IpIndex(cluster.ips, settings);
  const allocator = new Allocator();
  const addresses = new Addresses({ cluster, ipIndex, machines, allocator, settings, log });
  const northbound = new FakeNorthbound();
  const said: string[] = [];
  const events = new ObjectEvents({
    record: ({ kind, name }, { reason, message }) => {
      said.push(`${kind} ${name}: ${reason}: ${message}`);
    },
    idle: Promise.resolve(),
  });
  const parts = {
    settings,
    cluster,
    machines,
    podIndex,
    agentPods,
    ipIndex,
    addresses,
    writes,
    events,
    log,
  };
  const context: Context & typeof parts = {
    ...parts,
    ownerLock: new KeyedLock(),
    northbound: northbound as unknown as Northbound,
  };
  fake.create(kubeOvn('Vpc', 'ovn-cluster', {}, {}), ...objects);
  fake.patch('Vpc', 'ovn-cluster', { status: { standby: true } });
  return {
    fake,
    context,
    writes,
    northbound,
    /** Events that were recorded: `Subnet front: Reason: message`. */
    said,
    /** Changes an object, as somebody else does, and has Addresses know. */
    change: (kind: string, key: string, patch: object) => {
      fake.patch(kind, key, patch);
      addresses.invalidate();
    },
  };
}

/** The NotDone that a run must end with. */
export async function notDone(run: Promise<void>): Promise<NotDone> {
  const thrown = await run.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(thrown).toBeInstanceOf(NotDone);
  return thrown as NotDone;
}
