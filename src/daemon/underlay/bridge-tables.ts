/**
 * Keeps what provider bridges have beside their ports: static entries of the MAC table for routers of u2o Subnets
 * (fdb-entries.ts), and flows for Services with addresses of underlay Subnets (service-flows.ts).
 *
 * Both are in ovs-vswitchd's memory only. They are looked at when objects change or ports of the bridge do, and
 * when another ovs-vswitchd has come; nothing asks in between. A bridge that is to have none, and has had none
 * since this ovs-vswitchd came, costs nothing.
 */
import type { WatchCache } from '../../common/kubernetes/watch-cache.ts';
import type { Logger } from '../../common/log.ts';
import { Outage } from '../../common/outage.ts';
import { outageOf } from '../../common/ovsdb/error.ts';
import { run } from '../../common/process/run.ts';
import { NotDone } from '../../common/reconcile/not-done.ts';
import type { Queues } from '../../common/reconcile/queues.ts';
import type { WorkQueue } from '../../common/reconcile/work-queue.ts';
import { messageOf } from '../../common/text.ts';
import type { Vlan } from '../../common/vlan.ts';
import type { ExternalService } from '../model/service.ts';
import type { Subnet } from '../model/subnet.ts';
import type { OvsSession } from '../ovs/session.ts';
import { UnknownCommand, type VswitchdControl } from '../ovs/vswitchd-control.ts';
import {
  compareFdb,
  type FdbEntry,
  type ProviderBridge,
  readFdb,
  wantedFdb,
} from './fdb-entries.ts';
import { bridgesText, providerBridges } from './provider-bridge.ts';
import { flowBundle, wantedFlows } from './service-flows.ts';

/** What work waits for while ovs-vswitchd is away. */
const VSWITCHD = 'ovs-vswitchd';
/** Between attempts that fail although it is there. */
const PAUSES = { firstMs: 500, maxMs: 300_000 };

/** What entries and flows are made of, and by what they are read and written. */
export interface BridgeTablesParts {
  /** By name. */
  readonly subnets: Pick<WatchCache<Subnet>, 'get' | 'values' | 'synced' | 'onChange'>;
  /** By name. */
  readonly vlans: Pick<WatchCache<Vlan>, 'get' | 'synced' | 'onChange'>;
  /** Of the whole cluster; followed from when a Subnet gives addresses to Services. */
  readonly services: Pick<
    WatchCache<ExternalService>,
    'values' | 'synced' | 'isSynced' | 'onChange' | 'start' | 'stop'
  >;
  readonly ovs: Pick<OvsSession, 'state'>;
  readonly interfaces: Pick<OvsSession['interfaces'], 'until' | 'synced'>;
  readonly control: Pick<VswitchdControl, 'call' | 'isLive' | 'onLive' | 'start' | 'stop'>;
  readonly queues: Pick<Queues, 'create'>;
  /** Runs ovs-ofctl(8); in tests another one. */
  readonly addFlows?: (bridge: string, bundle: string) => Promise<unknown>;
  /** Where ovs-vswitchd has the management sockets of bridges. */
  readonly socketFolder: string;
  readonly log: Logger;
}

/** What a bridge was last given since ovs-vswitchd came; undefined before that. */
interface Applied {
  fdb?: string;
  flows?: string;
}

/** The entries and flows of all provider bridges, from `start` to `stop`; one bridge is worked on at a time. */
export class BridgeTables {
  readonly #parts: BridgeTablesParts;
  /** Of bridges, by their names. */
  readonly #work: WorkQueue;
  readonly #applied = new Map<string, Applied>();
  readonly #stopped = new AbortController();
  readonly #oldVersion: Outage;
  #bridges: ReadonlyMap<string, ProviderBridge> = new Map();
  #bridgesText = '';
  #followsServices = false;
  /** The ovs-vswitchd that there is knows no static entries. */
  #hasNoStatics = false;

  constructor(parts: BridgeTablesParts) {
    this.#parts = parts;
    this.#oldVersion = new Outage(parts.log, {
      fields: {},
      lost: 'static entries of MAC tables are left out, which this ovs-vswitchd does not know: packets for routers of Subnets with u2oInterconnection may leave by the network card',
      back: 'static entries of MAC tables are written again',
    });
    this.#work = parts.queues.create({
      name: 'bridge-tables',
      what: 'MAC table and flows of a provider bridge',
      concurrency: 1,
      pauses: PAUSES,
      reconcile: (bridge) => this.#reconcile(bridge),
    });
  }

  start(): void {
    const { subnets, vlans, interfaces, control } = this.#parts;
    const { signal } = this.#stopped;
    control.onLive(() => {
      // Another one, or we were cut off: nobody knows what it has.
      this.#applied.clear();
      this.#hasNoStatics = false;
      this.#lookAtAll();
      this.#work.wake(VSWITCHD);
    });
    Promise.all([subnets.synced, vlans.synced, interfaces.synced(signal)]).then(
      () => this.#follow(),
      // It is only ended by a stop.
      () => undefined,
    );
  }

  stop(): void {
    this.#stopped.abort(new Error('the daemon is ending'));
    this.#parts.control.stop();
    if (this.#followsServices) this.#parts.services.stop();
    void this.#work.stop();
  }

  #follow(): void {
    const { subnets, vlans } = this.#parts;
    const { signal } = this.#stopped;
    const ends = [
      // Counts of addresses are in its status: most changes are none for us.
      subnets.onChange((change) => {
        const { previous } = change;
        if (previous === undefined || concern(previous) !== concern(change.value))
          this.#lookAtAll();
      }),
      vlans.onChange(() => this.#lookAtAll()),
    ];
    signal.addEventListener('abort', () => {
      for (const end of ends) end();
    });
    void this.#followPorts();
    this.#lookAtAll();
  }

  /** Resolves with a stop. */
  async #followPorts(): Promise<void> {
    const { ovs, interfaces } = this.#parts;
    const { signal } = this.#stopped;
    const changed = () => bridgesText(ovs.state) !== this.#bridgesText || undefined;
    while (!signal.aborted) {
      await interfaces.until(changed, signal).catch(() => {});
      if (!signal.aborted) this.#lookAtAll();
    }
  }

  #lookAtAll(): void {
    const { ovs, subnets } = this.#parts;
    this.#bridgesText = bridgesText(ovs.state);
    this.#bridges = providerBridges(ovs.state);
    for (const name of this.#applied.keys())
      if (!this.#bridges.has(name)) this.#applied.delete(name);
    if ([...subnets.values()].some((subnet) => subnet.givesServiceAddresses))
      this.#followServices();
    for (const { name, patchPorts } of this.#bridges.values()) {
      // Without one nothing of ours can be there.
      if (patchPorts.size > 0 || this.#applied.has(name)) this.#work.add(name);
    }
  }

  #followServices(): void {
    if (this.#followsServices) return;
    this.#followsServices = true;
    const { services } = this.#parts;
    services.onChange(() => this.#lookAtAll());
    services.start();
    void services.synced.then(() => this.#lookAtAll());
  }

  /** Each part by itself: what fails does not hold up the other. @throws NotDone for what failed */
  async #reconcile(name: string): Promise<void> {
    const { control } = this.#parts;
    const bridge = this.#bridges.get(name);
    if (bridge === undefined) return;
    control.start();
    if (!control.isLive) throw new NotDone('ovs-vswitchd is away', { waitsFor: [VSWITCHD] });
    const applied = this.#applied.get(name) ?? {};
    this.#applied.set(name, applied);
    const outcomes = await Promise.allSettled([
      this.#applyFdb(bridge, applied),
      this.#applyFlows(bridge, applied),
    ]);
    const failures = outcomes.flatMap((outcome) =>
      outcome.status === 'rejected' ? [outcome.reason] : [],
    );
    if (failures.length === 0) return;
    const message = failures.map(messageOf).join('; ');
    const isAway = failures.every((error) => outageOf(error) !== undefined);
    throw new NotDone(message, isAway ? { waitsFor: [VSWITCHD] } : {});
  }

  async #applyFdb(bridge: ProviderBridge, applied: Applied): Promise<void> {
    const { subnets, vlans, control } = this.#parts;
    if (this.#hasNoStatics) return;
    const wanted = wantedFdb(bridge, subnets.values(), (name) => vlans.get(name));
    const text = JSON.stringify([wanted, [...bridge.patchPorts]]);
    // Entries may have gone with a port, or by somebody's `fdb/del`: what is wanted is looked for each time.
    if (applied.fdb === text && wanted.length === 0) return;
    const found = readFdb(await control.call('fdb/show', bridge.name), bridge);
    const { missing, surplus } = compareFdb(found, wanted);
    const failures: unknown[] = [];
    const attempt = async (what: string, entry: FdbEntry, ...args: readonly string[]) => {
      try {
        await control.call(what, bridge.name, ...args, String(entry.vlan), entry.mac);
        this.#parts.log.info({ bridge: bridge.name, ...entry }, `MAC table: ${what} done`);
      } catch (error) {
        failures.push(error);
      }
    };
    for (const entry of surplus) await attempt('fdb/del', entry);
    for (const entry of missing) await attempt('fdb/add', entry, entry.port);
    this.#report(failures, missing.length > 0);
    applied.fdb = text;
  }

  /**
   * An ovs-vswitchd that has no such command will not have it later.
   * @throws Error for other failures
   */
  #report(failures: readonly unknown[], hasAdded: boolean): void {
    const unknown = failures.find((error) => error instanceof UnknownCommand);
    this.#hasNoStatics = unknown !== undefined;
    if (unknown !== undefined) this.#oldVersion.begin(messageOf(unknown));
    else if (hasAdded) this.#oldVersion.end(performance.now());
    const others = failures.filter((error) => !(error instanceof UnknownCommand));
    if (others.length === 0) return;
    const message = `MAC table: ${others.map(messageOf).join('; ')}`;
    throw new Error(message, { cause: others[0] });
  }

  async #applyFlows(bridge: ProviderBridge, applied: Applied): Promise<void> {
    const { services, subnets, vlans, socketFolder, log } = this.#parts;
    // Before all are known, those that there are stay.
    if (this.#followsServices && !services.isSynced) return;
    const known = this.#followsServices ? services.values() : [];
    const flows = wantedFlows(bridge, known, {
      subnetNamed: (name) => subnets.get(name),
      vlanNamed: (name) => vlans.get(name),
    });
    const bundle = flowBundle(flows);
    if (applied.flows === bundle) return;
    const { addFlows = addFlowsByTool } = this.#parts;
    await addFlows(`unix:${socketFolder}/${bridge.name}.mgmt`, bundle);
    const isNews = flows.length > 0 || (applied.flows ?? bundle) !== bundle;
    if (isNews) log.info({ bridge: bridge.name, flows: flows.length }, 'flows of Services written');
    applied.flows = bundle;
  }
}

/** What a Subnet means for bridges. */
function concern({ vlan, u2oMac, givesServiceAddresses, cidrs, gateways }: Subnet): string {
  return JSON.stringify([vlan, u2oMac, givesServiceAddresses, cidrs, gateways]);
}

/** Ends by itself where ovs-vswitchd does not answer; s. */
const OFCTL_TIMEOUT_S = 10;

async function addFlowsByTool(bridge: string, bundle: string): Promise<void> {
  const options = [`--timeout=${OFCTL_TIMEOUT_S}`, '--bundle'];
  await run('ovs-ofctl', [...options, 'add-flows', bridge, '-'], { input: bundle });
}
