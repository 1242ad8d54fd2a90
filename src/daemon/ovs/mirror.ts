/**
 * The node's mirror: its rows are set up when there is an integration bridge without them, and its link as
 * often as OVS makes it. A daemon that cannot have its mirror goes on without. Where the
 * primary network is another plugin's the host gets no link that nobody asked for: there the mirror is
 * made for the first pod that is to be mirrored.
 */
import { isDeepStrictEqual } from 'node:util';
import Type from 'typebox';
import { untilDone } from '../../common/concurrency/retry.ts';
import type { Logger } from '../../common/log.ts';
import { parseOutput, unreadable } from '../../common/process/output.ts';
import { run } from '../../common/process/run.ts';
import { tryAgain } from '../call/error.ts';
import { hasMirror, MIRROR_NAME, planMirror, toMirrorRows } from './mirror-plan.ts';
import { INTEGRATION_BRIDGE, type Interfaces } from './port.ts';
import type { BridgeRow } from './rows.ts';
import type { FreshLook } from './session.ts';
import type { OvsTable } from './table.ts';
import { failedTo, type Vsctl } from './vsctl.ts';

/** What is mirrored, by which interface, and when the mirror is made. */
export interface MirrorOptions {
  readonly vsctl: Vsctl;
  readonly ovs: FreshLook;
  readonly interfaces: Pick<Interfaces, 'named' | 'until'>;
  readonly bridges: Pick<OvsTable<BridgeRow>, 'named' | 'until'>;
  /** Of the interface by which copies leave; it is one that ip(8) takes as it is. */
  readonly name: string;
  /** Every packet of the bridge is copied. */
  readonly all: boolean;
  /** It is made when `ask` is called; one that is there is kept right in any case. */
  readonly isOnDemand: boolean;
  readonly log: Logger;
}

/** The mirror of one node; it is kept right from `start` to `stop`. */
export class Mirror {
  /** True where every packet of the bridge is copied, whatever is annotated. */
  readonly all: boolean;
  readonly #options: MirrorOptions;
  readonly #stopped = new AbortController();
  readonly #settled = Promise.withResolvers<void>();
  readonly #asked = Promise.withResolvers<void>();
  #uuid: string | undefined;

  constructor(options: MirrorOptions) {
    this.all = options.all;
    this.#options = options;
    if (options.all) this.ask();
  }

  /** A pod is to be mirrored: it is made, if it is not there. */
  ask(): void {
    this.#asked.resolve();
  }

  /** UUID of the Mirror row; undefined until it is set up. */
  get uuid(): string | undefined {
    return this.#uuid;
  }

  /** Resolves when the Mirror row is set up. */
  get settled(): Promise<void> {
    return this.#settled.promise;
  }

  start(): void {
    // Only `stop` ends it.
    this.#follow().catch(() => {});
  }

  stop(): void {
    this.#stopped.abort();
  }

  async #follow(): Promise<void> {
    const { bridges, log } = this.#options;
    const { signal } = this.#stopped;
    const setUp = () => this.#setUpRows();
    for (let isFirst = true; ; isFirst = false) {
      await bridges.until(() => this.#isLacking() || undefined, signal);
      await this.#needed();
      if (signal.aborted) return;
      this.#uuid = await untilDone("cannot set up this node's mirror", setUp, log, signal);
      this.#settled.resolve();
      if (isFirst) this.#keepLinkUp().catch(() => {});
    }
  }

  /** A bridge that has come anew, as in a database that was replaced, has no mirror of ours. */
  #isLacking(): boolean {
    const bridge = this.#options.bridges.named(INTEGRATION_BRIDGE);
    if (bridge === undefined) return false;
    return this.#uuid === undefined || !bridge.mirrors.includes(this.#uuid);
  }

  /** Resolves when the mirror is asked for, or found on the bridge. */
  async #needed(): Promise<void> {
    const { isOnDemand, log } = this.#options;
    const asked = this.#asked.promise;
    if (!isOnDemand) return;
    const look = () => this.#isThere();
    const found = untilDone("cannot look for this node's mirror", look, log, this.#stopped.signal);
    await Promise.race([asked, found.then((isThere) => (isThere ? undefined : asked))]);
  }

  async #isThere(): Promise<boolean> {
    const { ovs, name } = this.#options;
    const state = await ovs.fresh().catch(failedTo("read OVS's rows"));
    return hasMirror(toMirrorRows(state, name));
  }

  /** @returns the UUID of the Mirror row */
  async #setUpRows(): Promise<string> {
    const { ovs, vsctl, name, all, log } = this.#options;
    const hasLink = await hasForeignLink(name);
    const state = await ovs.fresh().catch(failedTo("read OVS's rows"));
    const plan = planMirror({ name, all, hasLink }, toMirrorRows(state, name));
    const printed =
      plan.commands.length === 0
        ? ''
        : await vsctl(plan.commands).catch(failedTo("change OVS's rows"));
    const uuid = plan.mirrorRow ?? printed.trim().split('\n').at(-1) ?? '';
    // It becomes a word of other commands.
    if (!UUID.test(uuid)) throw unreadable('ovs-vsctl', printed);
    if (plan.commands.length > 0) await this.#refuseWithout(uuid);
    const fields = { mirror: uuid, interface: name, all };
    if (plan.surplus.length > 0) {
      log.warn(
        { ...fields, others: plan.surplus },
        `bridge ${INTEGRATION_BRIDGE} has several mirrors ${MIRROR_NAME}: this one is used, the others should be removed`,
      );
    }
    if (plan.commands.length > 0) log.info(fields, 'the mirror of this node was set up');
    return uuid;
  }

  /** @throws CniError 11 where ovs-vsctl has ended, and the bridge has no such mirror */
  async #refuseWithout(uuid: string): Promise<void> {
    const state = await this.#options.ovs.fresh().catch(failedTo("read OVS's rows"));
    if (state.bridgeNamed(INTEGRATION_BRIDGE)?.mirrors.includes(uuid)) return;
    throw tryAgain(
      `ovs-vsctl has ended without an error, and bridge ${INTEGRATION_BRIDGE} has no mirror ${uuid}`,
      'is ovs-vsctl on this node the one of Open vSwitch? `ovs-vsctl show` tells',
    );
  }

  /** Looks at every link that OVS reports for the interface: at a new one even under the same name. */
  async #keepLinkUp(): Promise<void> {
    const { interfaces, name, log } = this.#options;
    const { signal } = this.#stopped;
    let seen: Link | undefined;
    for (;;) {
      const link = await interfaces.until(() => {
        const found = this.#link();
        return isDeepStrictEqual(found, seen) ? undefined : found;
      }, signal);
      seen = link;
      if (link.error !== '') {
        log.error(
          { interface: name },
          `OVS cannot use the mirror's interface: ${link.error}; no other program must have one of this name, and a link that OVS is to plug must be there`,
        );
      } else if (link.ifindex > 0) {
        await untilDone(
          "cannot set up the mirror's link",
          () => this.#setUpLink(link),
          log,
          signal,
        );
      }
    }
  }

  async #setUpLink(link: Link): Promise<void> {
    // One that went meanwhile is none to try again for.
    if (!isDeepStrictEqual(this.#link(), link)) return;
    await run('ip', ['link', 'set', 'dev', this.#options.name, 'up']);
  }

  #link(): Link {
    const row = this.#options.interfaces.named(this.#options.name);
    const { type = '', ifindex = 0, error = '' } = row ?? {};
    return {
      ifindex: LINK_TYPES.includes(type) ? ifindex : 0,
      error,
    };
  }
}

/** What OVS says of an interface. */
interface Link {
  /** 0 where there is no link of the interface's name. */
  readonly ifindex: number;
  /** Empty for none. */
  readonly error: string;
}

/** Of a tunnel, OVS reports the index of a link with another name. */
const LINK_TYPES: readonly string[] = ['', 'system', 'internal', 'tap'];

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const DETAILED_LINKS = Type.Array(
  Type.Object({
    ifname: Type.String(),
    flags: Type.Array(Type.String()),
    linkinfo: Type.Optional(Type.Object({ info_kind: Type.Optional(Type.String()) })),
  }),
);

/**
 * True where the node has a link of that name which OVS did not make. OVS's own may be left over from
 * an earlier run of ovs-vswitchd, which takes them again: ports of the kernel's datapath, and, of the
 * userspace datapath, taps that nobody has open (a tap without a carrier).
 */
async function hasForeignLink(name: string): Promise<boolean> {
  const output = await run('ip', ['-j', '-d', 'link', 'show']);
  const links = parseOutput('ip', output, DETAILED_LINKS);
  const link = links.find(({ ifname }) => ifname === name);
  const kind = link?.linkinfo?.info_kind;
  if (link === undefined || kind === 'openvswitch') return false;
  return kind !== 'tun' || link.flags.includes('LOWER_UP');
}
