/** GCs of a node: NICs with limits, requests as the daemon and the executable get them, and the census after each test. */
import { expect } from 'vitest';
import { SOCKET } from '../lab/daemon.ts';
import { callRaw } from '../lab/raw-http.ts';
import { type CniOutcome, cni, deleteSandbox, type Sandbox } from '../lab/runtime.ts';
import { ATTACHNET, Fixture, ovnConfig } from './fixture.ts';
import { limitedPod, type MadePod } from './garbage-support.ts';
import { type Census, census, expectNode, mustDelete } from './observe.ts';

export const GATEWAY = '172.17.0.1';
/** Name of the network that the lab's configurations have. */
export const NETWORK = 'net';
/** Provider of another network, 172.18.0.0/16. */
export const SECOND = 'second.default.ovn';

/** A node with two networks, and what a test has made on it. */
export class GcNode implements AsyncDisposable {
  readonly fixture: Fixture;
  readonly #before: Census;
  #made: { sandbox: Sandbox; config: ReturnType<typeof ovnConfig> }[] = [];

  private constructor(fixture: Fixture, before: Census) {
    this.fixture = fixture;
    this.#before = before;
  }

  static async start(): Promise<GcNode> {
    const fixture = await Fixture.start();
    await fixture.cluster.createSubnet({
      name: 'second',
      provider: SECOND,
      cidrBlock: '172.18.0.0/16',
      gateway: '172.18.0.1',
    });
    return new GcNode(fixture, await census(fixture.node));
  }

  /** A pod with limits on net1, which is made. */
  async addNic(config = ovnConfig()): Promise<MadePod> {
    const pod = await limitedPod(this.fixture, config);
    this.made(pod.sandbox, config);
    return pod;
  }

  /** Has `cleanUp` remove net1 of a sandbox. */
  made(sandbox: Sandbox, config = ovnConfig()): void {
    this.#made.push({ sandbox, config });
  }

  /** Removes what a test has made, with DELs as a runtime sends them: then the node is as it was at first. */
  async cleanUp(): Promise<void> {
    const made = this.#made;
    this.#made = [];
    for (const { sandbox, config } of made) {
      await mustDelete(sandbox, 'net1', config);
      await deleteSandbox(sandbox);
    }
    await expectNode(this.fixture.node, this.#before);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.fixture[Symbol.asyncDispose]();
  }
}

/** An attachment as the runtime's list names it. */
export interface Key {
  readonly containerId: string;
  readonly ifName: string;
}
export const keyOf = ({ sandbox }: MadePod): Key => ({
  containerId: sandbox.containerId,
  ifName: 'net1',
});

/** Sends what an executable sends. */
export function post(fields: object) {
  const body = { cni_type: 'kube-ovn', provider: ATTACHNET, network: NETWORK, ...fields };
  return callRaw(SOCKET, { path: '/api/v1/gc', body: JSON.stringify(body) });
}

/** The list as the executable sends it. */
export const asFields = (keys: readonly Key[]) => ({
  valid_attachments: keys.map(({ containerId, ifName }) => ({
    container_id: containerId,
    if_name: ifName,
  })),
});

/** GC of a network with this list; it must succeed. */
export async function collect(keys: readonly Key[], fields: object = {}): Promise<void> {
  const { status, text } = await post({ ...asFields(keys), ...fields });
  expect({ status, text }).toEqual({ status: 204, text: '' });
}

/** GC by the executable, as a runtime runs it: about a network, with no word of a pod. */
export function runExecutable(more: object): Promise<CniOutcome> {
  const none = { CNI_CONTAINERID: undefined, CNI_NETNS: undefined, CNI_IFNAME: undefined };
  const nobody: Sandbox = {
    containerId: '',
    netns: '',
    netnsName: '',
    pod: { namespace: '', name: '', uid: '' },
  };
  const config = ovnConfig({ cniVersion: '1.1.0', ...more });
  return cni('GC', nobody, '', config, { ...none, CNI_ARGS: undefined });
}

/** The list as a runtime's configuration has it. */
export const asList = (keys: readonly Key[]) => ({
  'cni.dev/valid-attachments': keys.map(({ containerId, ifName }) => ({
    containerID: containerId,
    ifname: ifName,
  })),
});

/** Like `collect`, by the executable. */
export async function collectByExecutable(keys: readonly Key[]): Promise<void> {
  const { exitCode, stdout } = await runExecutable(asList(keys));
  expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '' });
}

/** What the log says of a removal by a list of so many. */
export const proofOf = (count: number) =>
  `it is none of the ${count} attachments of network ${NETWORK} (${ATTACHNET}) that the runtime calls valid`;
