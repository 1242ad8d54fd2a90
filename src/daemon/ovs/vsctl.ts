/**
 * ovs-vsctl(8): the only writer to the Open_vSwitch database. One call is one transaction.
 *
 * `--no-wait`: what ovs-vswitchd makes of a change we learn from the rows it writes
 * (`error`) and from ovn-controller's `ovn-installed`, not by holding up the call.
 */
import { run } from '../process/run.ts';

/** Runs one transaction of several commands, each introduced by `--`; returns what it printed. */
export type Vsctl = (commands: readonly string[]) => Promise<string>;

/** ovs-vsctl gives up by itself after this; seconds. */
const VSCTL_TIMEOUT_S = 20;

/** @param database an OVSDB remote, like `unix:/run/openvswitch/db.sock` */
export function createVsctl(database: string): Vsctl {
  const options = [
    `--db=${database}`,
    `--timeout=${VSCTL_TIMEOUT_S}`,
    '--no-wait',
    '--format=json',
  ];
  return (commands) => run('ovs-vsctl', [...options, ...commands]);
}

/**
 * A string as ovs-vsctl reads a value: in JSON's quotes, so that a comma, a space or a brace in
 * it ends nothing (ovs-vsctl(8), "Database Values").
 */
export function quoted(text: string): string {
  return JSON.stringify(text);
}
