/** What the tests of limits in a real database share. */
import { expect } from 'vitest';
import { limitMarks } from '../../../../src/daemon/ovs/port.ts';
import {
  changeCommands,
  type FoundControl,
  type Qos,
  type TrafficControl,
} from '../../../../src/daemon/ovs/traffic-control.ts';
import { controlOf } from '../../../../src/daemon/ovs/traffic-control-rows.ts';
import { planOf } from '../../../unit/daemon/ovs/port-plan.ts';
import type { OvsDatabase } from './database.ts';
import { countRows, createMirror, setUp } from './port-support.ts';

export const NAME = 'c0ffee01_net1_h';
export const MARKS = limitMarks(planOf());

export const htb = (maxRate: number, burst: number): Qos => ({
  type: 'linux-htb',
  config: { 'max-rate': `${maxRate}`, burst: `${burst}` },
});

export const netem = (config: Record<string, string>): Qos => ({ type: 'linux-netem', config });

/** A database with a mirror, and what is done with its ports. */
export async function setUpWithMirror() {
  const { database, plugIt } = await setUp();
  const mirrorRow = await createMirror(database);
  const inspect = async (name = NAME): Promise<FoundControl> => {
    const state = await database.ovs.fresh();
    const row = state.interfaceNamed(name);
    const found = row && controlOf(state, row);
    if (found === undefined) throw new Error(`there is no port ${name}`);
    return found;
  };
  /** Brings a port to what it is to have, and returns what it has then. */
  const apply = async (wanted: Partial<TrafficControl>, name = NAME): Promise<FoundControl> => {
    const found = await inspect(name);
    const commands = changeCommands(found, { ...found, ...wanted }, MARKS);
    if (commands.length > 0) await database.vsctl(commands);
    return inspect(name);
  };
  return { database, plugIt, mirrorRow, inspect, apply };
}

/** Without the rows. */
export const stateOf = ({ policing, qos, isMirrored }: FoundControl): TrafficControl => ({
  policing,
  qos,
  isMirrored,
});

/** The port has what it is to have, in as many rows as that takes, and there is nothing to do. */
export async function expectApplied(
  database: OvsDatabase,
  found: FoundControl,
  wanted: TrafficControl,
) {
  expect(stateOf(found)).toEqual(wanted);
  expect(changeCommands(found, wanted, MARKS)).toEqual([]);
  expect(await countRows(database)).toEqual({
    ...{ Port: 2, Interface: 2 },
    QoS: wanted.qos === undefined ? 0 : 1,
    Queue: wanted.qos?.type === 'linux-htb' ? 1 : 0,
  });
}
