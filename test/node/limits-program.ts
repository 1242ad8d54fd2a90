/** `kube-ovn-cni limits`, as somebody on the node runs it. */
import { resolve } from 'node:path';
import { expect } from 'vitest';
import type { LimitReport, NicReport } from '../../src/daemon/limits/report.ts';
import { type CommandOptions, type Outcome, outcomeOf } from '../lab/command.ts';
import type { Sandbox } from '../lab/runtime.ts';
import { KUBECONFIG } from './fixture.ts';

const PROGRAM = resolve(import.meta.dirname, '../../dist/kube-ovn-cni.cjs');

/** @param args what stands behind `limits` */
export function limitsProgram(
  args: readonly string[],
  options: CommandOptions = {},
): Promise<Outcome> {
  return outcomeOf(process.execPath, [PROGRAM, 'limits', ...args], options);
}

/** What it says about a pod, which must be something. */
export async function limitsOutput(
  { pod }: Pick<Sandbox, 'pod'>,
  ...flags: readonly string[]
): Promise<{ exitCode: number | null; stdout: string }> {
  const name = `${pod.namespace}/${pod.name}`;
  const outcome = await limitsProgram([name, `--kubeconfig=${KUBECONFIG}`, ...flags]);
  const { exitCode, stdout, stderr } = outcome;
  expect(stderr).toBe('');
  return { exitCode, stdout };
}

/** The same as it says it to programs: one report for each interface. */
export async function limitsReports(
  sandbox: Pick<Sandbox, 'pod'>,
): Promise<{ exitCode: number | null; nics: NicReport[] }> {
  const { exitCode, stdout } = await limitsOutput(sandbox, '--json');
  return { exitCode, nics: JSON.parse(stdout) };
}

/** One limit of a pod with one interface. */
export async function limitReport(
  sandbox: Pick<Sandbox, 'pod'>,
  name: LimitReport['limit'],
): Promise<LimitReport> {
  const { nics } = await limitsReports(sandbox);
  const [report] = nics.flatMap(({ limits }) => limits.filter(({ limit }) => limit === name));
  if (nics.length !== 1 || report === undefined) throw new Error(`not one report of ${name}`);
  return report;
}
