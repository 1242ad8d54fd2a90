/**
 * Part of kernel-program.ts: limits of pods that need netem and policing of the kernel. OVN is on OVS's userspace datapath:
 * this kernel has no zones of connection tracking, which OVN asks of the kernel's.
 */
import type { NicPlan } from '../../lab/cluster.ts';
import { command } from '../../lab/command.ts';
import { type CniOutcome, cni, outcomeInSandbox, type Sandbox } from '../../lab/runtime.ts';
import { type Fixture, ovnConfig } from '../fixture.ts';
import { type NodeState, nodeState } from './ip.ts';

/** Of packets to the second pod; ms. */
export const LATENCY_MS = 80;
/** Of packets from it. */
export const RATE_MBPS = 50;

export interface PodFacts {
  /** Exit codes, and what was printed with another one than 0. */
  readonly calls: Readonly<Record<string, string>>;
  readonly before: NodeState;
  readonly meanwhile: NodeState;
  readonly after: NodeState;
  /** From the first pod to the second one and back, on average; ms. */
  readonly roundTripMs: number;
  /** Of the second pod's link on the node: kinds of queueing disciplines, and what tc(8) shows of filters. */
  readonly limits: { readonly qdiscs: readonly string[]; readonly filters: string };
}

export async function podFacts(fixture: Fixture): Promise<PodFacts> {
  const before = await nodeState();
  const plain = await fixture.pod();
  const limited = await fixture.pod({
    nic: (nic: NicPlan) => ({
      ...nic,
      more: { latency: String(LATENCY_MS), egress_rate: String(RATE_MBPS) },
    }),
  });
  const calls: Record<string, string> = {};
  const call = async (verb: string, sandbox: Sandbox, more: object = {}) => {
    const outcome = await cni(verb, sandbox, 'net1', ovnConfig({ cniVersion: '1.0.0', ...more }));
    calls[`${verb} of ${sandbox.pod.name}`] = textOf(outcome);
    return outcome.result;
  };
  await call('ADD', plain.sandbox);
  const prevResult = await call('ADD', limited.sandbox);
  await call('CHECK', limited.sandbox, { prevResult });
  const meanwhile = await nodeState();
  const hostLinks = Object.keys(meanwhile).filter((name) => !(name in before));
  const isOfLimited = (name: string) =>
    limited.sandbox.containerId.startsWith(name.replace(/_.*/, ''));
  const host = hostLinks.find(isOfLimited) ?? '';
  const facts = {
    roundTripMs: await roundTripMs(plain.sandbox, limited.nic.ip),
    limits: {
      qdiscs: (await jsonOfTc(`qdisc show dev ${host}`)).map(({ kind }) => kind),
      filters: await command('tc', ['filter', 'show', 'dev', host, 'ingress']),
    },
  };
  for (const { sandbox } of [plain, limited]) await call('DEL', sandbox);
  return { calls, before, meanwhile, after: await nodeState(), ...facts };
}

function textOf({ exitCode, stdout, stderr }: CniOutcome): string {
  return exitCode === 0 ? '0' : `${exitCode}: ${stdout}${stderr}`;
}

async function roundTripMs(from: Sandbox, address: string): Promise<number> {
  const words = ['-n', '-q', '-c', '5', '-i', '0.2', '-W', '5', address];
  const { stdout } = await outcomeInSandbox(from, 'ping', ...words);
  return Number(/= [\d.]+\/([\d.]+)\//.exec(stdout)?.[1]);
}

async function jsonOfTc(words: string): Promise<{ kind: string }[]> {
  return JSON.parse(await command('tc', ['-j', ...words.split(' ')]));
}
