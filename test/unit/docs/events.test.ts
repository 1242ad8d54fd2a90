/** docs/events.md lists the events and stages that the code has, no more and no less. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { BRIDGE_FAILED_REASON, BRIDGE_READY_REASON } from '../../../src/common/provider-network.ts';
import { OUTCOMES } from '../../../src/controller/model/conditions.ts';
import { FAILURES, NETWORK_REASONS } from '../../../src/controller/model/events.ts';
import { STAGES } from '../../../src/daemon/call/stage.ts';
import { LIMITS_REASONS } from '../../../src/daemon/limits/limits-follower.ts';
import { CONFIGURATION_REASON } from '../../../src/daemon/node/configuration-warning.ts';
import { REASONS } from '../../../src/daemon/report/pod-events.ts';

const text = readFileSync(resolve(import.meta.dirname, '../../../docs/events.md'), 'utf8');

/** Rows of the table below a heading: the cells of each, without the words above them. */
function rowsOf(heading: string): string[][] {
  const [, section = ''] = text.split(`\n## ${heading}\n`);
  const [table = ''] = section.split('\n## ');
  return table
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .map((cells) => cells.slice(1, -1));
}

const namesOf = (rows: string[][]) => rows.map(([name = '']) => name.replaceAll('`', '')).sort();

const DAEMON = rowsOf('On pods, by the node daemon');
const CONTROLLER = rowsOf('On pods and other objects, by the controller');
const CALL_STAGES = rowsOf('Stages of a call');

it('the events of the daemon are those of its code', () => {
  const inCode = [...Object.values(REASONS), ...Object.values(LIMITS_REASONS)];
  expect(namesOf(DAEMON)).toEqual(inCode.sort());
});

it('the events of the daemon about its Node are those of its code', () => {
  expect(namesOf(rowsOf('On the Node, by the node daemon'))).toEqual([CONFIGURATION_REASON]);
});

it('the events of the daemon about ProviderNetworks are those of its code', () => {
  expect(namesOf(rowsOf('On ProviderNetworks, by the node daemon'))).toEqual([
    BRIDGE_FAILED_REASON,
    BRIDGE_READY_REASON,
  ]);
});

it('the events of the controller are those of its code', () => {
  expect(namesOf(CONTROLLER)).toEqual([...NETWORK_REASONS, ...FAILURES, ...OUTCOMES].sort());
});

it('the stages are those of the code', () => {
  expect(namesOf(CALL_STAGES)).toEqual(Object.keys(STAGES).sort());
});

it('each has a meaning and a remedy', () => {
  for (const row of [...DAEMON, ...CONTROLLER, ...CALL_STAGES]) {
    const [meaning = '', remedy = ''] = row.slice(-2);
    expect(meaning.length, row[0]).toBeGreaterThan(8);
    expect(remedy.length, row[0]).toBeGreaterThan(4);
  }
});
