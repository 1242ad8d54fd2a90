/**
 * ovs-vsctl(8): the only writer to the Open_vSwitch database; session.ts reads it. One call is one
 * transaction.
 *
 * `--no-wait`: what ovs-vswitchd makes of a change we learn from the rows it writes
 * (`error`) and from ovn-controller's `ovn-installed`, not by holding up the call.
 */

import { OvsdbError } from '../../common/ovsdb/error.ts';
import { run, ToolError } from '../../common/process/run.ts';
import { tryAgain } from '../call/error.ts';

/** Runs one transaction of several commands, each introduced by `--`; returns what it printed. */
export type Vsctl = (commands: readonly string[], options?: VsctlOptions) => Promise<string>;

/** How one call of ovs-vsctl differs from others. */
export interface VsctlOptions {
  /** Resolve when ovs-vswitchd has done what the commands ask for. */
  readonly waits?: boolean;
}

/** ovs-vsctl gives up by itself after these; seconds. */
const VSCTL_TIMEOUT_S = 20;
const WAIT_TIMEOUT_S = 5;

/** @param database an OVSDB remote, like `unix:/run/openvswitch/db.sock` */
export function createVsctl(database: string): Vsctl {
  const inDatabase = [`--timeout=${VSCTL_TIMEOUT_S}`, '--no-wait'];
  const inForce = [`--timeout=${WAIT_TIMEOUT_S}`];
  return (commands, { waits = false } = {}) => {
    const options = [`--db=${database}`, ...(waits ? inForce : inDatabase), '--format=json'];
    return run('ovs-vsctl', [...options, ...commands]);
  };
}

/**
 * For `catch`: makes of a failure of ovs-vsctl, or of OVS's database, an error that says what could not
 * be done.
 * @throws CniError 11, or what was thrown where it is no failure of theirs
 */
export function failedTo(what: string): (error: unknown) => never {
  return (error) => {
    const isTool = error instanceof ToolError;
    if (!isTool && !(error instanceof OvsdbError)) throw error;
    const hint = 'is ovsdb-server running? `ovs-vsctl show` on this node tells';
    throw tryAgain(`cannot ${what}: ${isTool ? error.stderr : error.message}`, hint, error);
  };
}

/**
 * A string as ovs-vsctl reads a value: in JSON's quotes, so that a comma, a space or a brace in
 * it ends nothing (ovs-vsctl(8), "Database Values").
 */
export function quoted(text: string): string {
  return JSON.stringify(text);
}
