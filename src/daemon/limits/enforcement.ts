/**
 * Which limits are in force, as ovs-vswitchd and the kernel say: a database with the right rows does
 * not prove it, since the kernel may lack netem or the policer, and ovs-vswitchd only logs that.
 */
import { messageOf } from '../error.ts';
import { run } from '../process/run.ts';

export interface Enforcement {
  /** Type of QoS as ovs-vswitchd has it on the interface, and what it says of the queue. */
  readonly qos: InForce;
  readonly policing: InForce;
}

/** `unknown` says why nobody could tell. */
export type InForce = { readonly says: string } | { readonly unknown: string };

/** @param hostInterface name of the port */
export async function readEnforcement(hostInterface: string): Promise<Enforcement> {
  const [qos, policing] = await Promise.all([
    told(run('ovs-appctl', ['-t', 'ovs-vswitchd', 'qos/show', hostInterface]).then(readQos)),
    told(run('tc', ['filter', 'show', 'dev', hostInterface, 'ingress']).then(readPolicing)),
  ]);
  return { qos, policing };
}

async function told(reading: Promise<string>): Promise<InForce> {
  return reading.then(
    (says) => ({ says }),
    (error) => ({ unknown: messageOf(error) }),
  );
}

/** "linux-htb 10000000" of what `qos/show` prints (ovs-vswitchd(8)); "none" without. */
function readQos(output: string): string {
  const type = /^QoS: \S+ (\S+)/m.exec(output)?.[1] ?? 'none';
  const queue = output.slice(output.indexOf('\nDefault:'));
  const rate = /^ *max-rate: (\d+)/m.exec(queue)?.[1];
  return type === 'linux-htb' && rate !== undefined ? `${type} ${rate}` : type;
}

/** ovs-vswitchd polices by a filter of the kernel with this action (tc-police(8)). */
function readPolicing(output: string): string {
  return /\bpolice\b/.test(output) ? 'police' : 'none';
}
