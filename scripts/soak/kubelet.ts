/**
 * Plays kubelet and its runtime: makes sandboxes, calls the executable for each interface, and knows
 * which attachments are valid.
 */
import { Condition } from '../../src/common/concurrency/condition.ts';
import { createSandbox, deleteSandbox, type Sandbox } from '../../test/lab/runtime.ts';
import { type Answer, type Call, call } from './calls.ts';
import { disturbed, disturbedCheck, titleOf, untilDone, withoutDatabase } from './excuses.ts';
import type { Network, Nic } from './networks.ts';
import type { Home } from './pods.ts';
import type { Stage } from './stage.ts';

/** An element of `cni.dev/valid-attachments`. */
export interface ValidAttachment {
  readonly containerID: string;
  readonly ifname: string;
}

/** GC names no attachment. */
const NONE = { CNI_CONTAINERID: undefined, CNI_IFNAME: undefined, CNI_NETNS: undefined };
const NODE: Sandbox = {
  containerId: 'gc',
  netns: '',
  netnsName: '',
  pod: { namespace: '', name: '', uid: '' },
};
const FOREVER = new AbortController().signal;

export class Kubelet {
  /** All sandboxes that have not been taken down, forgotten ones too. */
  readonly homes = new Set<Home>();
  readonly #stage: Stage;
  /** ADDs that run, and whether new ones must wait for a GC. */
  #adds = 0;
  #isCollecting = false;
  readonly #changed = new Condition();

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  /** A sandbox without interfaces. */
  async createHome(pod: Sandbox['pod'], nics: readonly Nic[]): Promise<Home> {
    const sandbox = await createSandbox(pod);
    const state = { results: new Map(), gone: new Set<string>() };
    const home: Home = { sandbox, nics, ...state, isMounted: true, isForgotten: false };
    this.homes.add(home);
    const { containerId, netnsName } = sandbox;
    this.#stage.journal.note(containerId, `sandbox ${netnsName} of ${pod.name} (${pod.uid}) made`);
    return home;
  }

  /** Waits where a GC runs: the two exclude each other (CNI spec 1.1, section 2, "GC"). */
  async add(home: Home, nic: Nic, options: Partial<Call> = {}): Promise<Answer> {
    await this.#noGc();
    this.#adds += 1;
    const answer = await this.#call('ADD', home, nic, options);
    this.#adds -= 1;
    this.#changed.check();
    if (answer.result !== undefined) home.results.set(nic.ifName, answer.result);
    else if (isUndone(answer)) home.gone.add(nic.ifName);
    return answer;
  }

  /** A CHECK with what the ADD answered. */
  check(home: Home, nic: Nic): Promise<Answer> {
    const prevResult = home.results.get(nic.ifName);
    return this.#call('CHECK', home, nic, { config: { ...nic.network.config, prevResult } });
  }

  async del(home: Home, nic: Nic, options: Partial<Call> = {}): Promise<Answer> {
    const answer = await this.#call('DEL', home, nic, options);
    if (answer.code === 0) home.gone.add(nic.ifName);
    return answer;
  }

  /** DELs of all interfaces, each until it succeeds; the sandbox stays. */
  async delAll(home: Home, options: Partial<Call> = {}): Promise<void> {
    for (const nic of home.nics.toReversed()) {
      const title = titleOf('DEL', home, nic.ifName);
      const attempt = () => this.del(home, nic, options);
      await untilDone(this.#stage, title, attempt, withoutDatabase);
    }
  }

  /** CHECKs of all interfaces, which must find nothing; true where they do. */
  async checkAll(home: Home): Promise<boolean> {
    let isFine = true;
    for (const nic of home.nics) {
      const title = titleOf('CHECK', home, nic.ifName);
      const attempt = () => this.check(home, nic);
      const answer = await untilDone(this.#stage, title, attempt, disturbedCheck);
      isFine &&= answer.code === 0;
    }
    return isFine;
  }

  /** Takes the network namespace away, and the interfaces in it. */
  async unmount(home: Home): Promise<void> {
    if (!home.isMounted) return;
    // At once: a GC and a DEL may both come to the end of one sandbox.
    home.isMounted = false;
    await deleteSandbox(home.sandbox);
    this.#stage.journal.note(home.sandbox.containerId, 'sandbox destroyed');
  }

  /** DELs, then the sandbox: what a runtime does with one that ends. */
  async takeDown(home: Home): Promise<void> {
    await this.delAll(home);
    await this.unmount(home);
    this.homes.delete(home);
  }

  /**
   * GC of a network with the valid list.
   * @param more attachments in the list that are no longer valid: it is out of date
   */
  async collect(network: Network, more: readonly ValidAttachment[] = []): Promise<void> {
    await this.#noGc();
    this.#isCollecting = true;
    try {
      await this.#changed.until(() => this.#adds === 0 || undefined, FOREVER);
      const homes = [...this.homes];
      const list = [...validAttachments(homes), ...more];
      const { name } = network.subnet;
      const surplus = more.length === 0 ? '' : `, ${more.length} of them out of date`;
      this.#stage.journal.noteAll(`GC of ${name} with ${list.length} attachments${surplus}`);
      const config = { ...network.config, cniVersion: '1.1.0', 'cni.dev/valid-attachments': list };
      const options = { verb: 'GC', sandbox: NODE, ifName: '', config, overrides: NONE } as const;
      const attempt = () => call(this.#stage, options);
      const answer = await untilDone(this.#stage, `GC of ${name}`, attempt, disturbed);
      if (answer.code === 0) expectCollected(network, list, homes);
    } finally {
      this.#isCollecting = false;
      this.#changed.check();
    }
  }

  /** Destroys forgotten sandboxes of which GCs have left nothing. */
  async reap(): Promise<void> {
    for (const home of this.homes) {
      const isDone = home.nics.every(({ ifName }) => home.gone.has(ifName));
      if (!home.isForgotten || !isDone) continue;
      await this.unmount(home);
      this.homes.delete(home);
    }
  }

  /** Several may wait for the end of one GC, and the first of them may be a GC. */
  async #noGc(): Promise<void> {
    while (this.#isCollecting) {
      await this.#changed.until(() => !this.#isCollecting || undefined, FOREVER);
    }
  }

  #call(verb: Call['verb'], home: Home, nic: Nic, options: Partial<Call>): Promise<Answer> {
    const { config } = nic.network;
    const { sandbox } = home;
    return call(this.#stage, { verb, sandbox, ifName: nic.ifName, config, ...options });
  }
}

function validAttachments(homes: readonly Home[]): ValidAttachment[] {
  const known = homes.filter(({ isForgotten }) => !isForgotten);
  return known.flatMap(({ sandbox, nics }) =>
    nics.map(({ ifName }) => ({ containerID: sandbox.containerId, ifname: ifName })),
  );
}

/** What a GC did not find in its list is as gone as after a DEL. */
function expectCollected(
  network: Network,
  list: readonly ValidAttachment[],
  homes: readonly Home[],
): void {
  for (const { sandbox, nics, gone } of homes) {
    if (list.some(({ containerID }) => containerID === sandbox.containerId)) continue;
    for (const nic of nics) if (nic.network === network) gone.add(nic.ifName);
  }
}

/** True for the answer to an ADD that was refused or failed in peace: it has undone what it did. */
function isUndone({ code, faults }: Answer): boolean {
  return code !== 0 && code !== 'killed' && faults.size === 0;
}
