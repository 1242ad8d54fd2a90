/** What a refused call must look like: a CNI error that helps, and nothing left behind. */
import { expect } from 'vitest';
import type { OvnNode } from '../lab/ovn-node.ts';
import { type CniOutcome, cni, type NetworkConfig, type Sandbox } from '../lab/runtime.ts';
import { nodeState, podState } from '../lab/snapshot.ts';
import { ovnConfig } from './fixture.ts';

/** What an ADD is changed by, and what its error must say. */
export interface Refusal {
  readonly code: number;
  /** All of these stand in the message or its details. */
  readonly says: readonly string[];
  readonly config?: NetworkConfig;
  readonly ifName?: string;
  /** Which executable is called; the one of `config.type` by default. */
  readonly executable?: string;
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

/** A CNI error object and nothing else, which says all that is wanted. */
export function expectError(
  outcome: CniOutcome,
  { code, says }: Pick<Refusal, 'code' | 'says'>,
): void {
  const { exitCode, stdout, stderr, result } = outcome;
  expect(exitCode, stdout + stderr).toBe(1);
  // Throws where stdout holds anything besides one JSON value.
  // Where the environment is wrong the configuration, and with it the version, is not read.
  const cniVersion = expect.stringMatching(/^1\.[01]\.0$/);
  expect(JSON.parse(stdout)).toMatchObject({ cniVersion, code });
  const text = `${result?.msg}; ${result?.details}`;
  for (const part of says) expect(text).toContain(part);
  expect(text).not.toMatch(/\n +at |node:internal|undefined/);
}

/** An ADD that must fail and leave node and pod as they were. */
export async function expectRefusal(
  node: OvnNode,
  sandbox: Sandbox,
  wanted: Refusal,
): Promise<void> {
  const { config = ovnConfig(), ifName = 'net1', environment = {}, executable } = wanted;
  const before = [await nodeState(node), await podState(sandbox)];
  const outcome = await cni('ADD', sandbox, ifName, config, environment, {}, executable);
  expectError(outcome, wanted);
  expect([await nodeState(node), await podState(sandbox)]).toEqual(before);
}
