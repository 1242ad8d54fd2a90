/** Plans over typed rows, and how several of them become one transaction. */
import { expect, it } from 'vitest';
import { uuidAtom } from '../../../../src/common/ovsdb/value.ts';
import { planPod } from '../../../../src/controller/kinds/pod/pod-plan.ts';
import { Batch } from '../../../../src/controller/ovn/batch.ts';
import { NbState } from '../../../../src/controller/ovn/state.ts';
import {
  newTransactionBuilder,
  type Plan,
} from '../../../../src/controller/ovn/transaction-builder.ts';
import { NOTHING, portOf } from './support.ts';

const FRONT = '00000001-0000-4000-8000-000000000000';
const IDS = ['map', [['vendor', 'kube-ovn']]];

/** A database with the switch `front`. */
function stateWithSwitch(): NbState {
  const state = new NbState();
  const initial = { name: 'front', external_ids: IDS };
  state.replica.takeRow('Logical_Switch', FRONT, { initial });
  state.replica.begin(false, FRONT);
  return state;
}

function planOf(state: NbState, name: string): Plan {
  return planPod(state, `shop/${name}`, [portOf('10.1.0.5', { name })]);
}

it('a pod is an insert of its port, and a mutation of its switch, which is asserted', () => {
  const { waits, operations } = planOf(stateWithSwitch(), 'web');
  const where = [['_uuid', '==', ['uuid', FRONT]]];
  expect(waits).toEqual([
    expect.objectContaining({ op: 'wait', where, rows: [{ name: 'front', external_ids: IDS }] }),
  ]);
  const [insert, mutate, ...others] = operations;
  expect(insert).toMatchObject({ op: 'insert', table: 'Logical_Switch_Port' });
  const name = insert?.op === 'insert' ? insert['uuid-name'] : undefined;
  const mutations = [['ports', 'insert', ['set', [['named-uuid', name]]]]];
  expect(mutate).toEqual({ op: 'mutate', table: 'Logical_Switch', where, mutations });
  expect(others).toEqual([]);
});

it('a pod whose ports are as they are to be is nothing', () => {
  const state = stateWithSwitch();
  const [insert] = planOf(state, 'web').operations;
  const row = insert?.op === 'insert' ? insert.row : {};
  const port = '00000002-0000-4000-8000-000000000000';
  state.replica.takeRow('Logical_Switch_Port', port, { insert: row });
  state.replica.takeRow('Logical_Switch', FRONT, { modify: { ports: ['uuid', port] } });
  state.replica.commit(FRONT);
  expect(planOf(state, 'web')).toEqual(NOTHING);
});

it('plans of one switch assert it once, and change it once; each is blamed for its own', () => {
  const state = stateWithSwitch();
  const batch = new Batch<string>();
  for (const name of ['one', 'two', 'three']) batch.add(name, planOf(state, name));
  const { operations } = batch;
  expect(operations.map(({ op }) => op)).toEqual(['wait', 'insert', 'mutate', 'insert', 'insert']);
  expect(operations[2]).toMatchObject({ mutations: [['ports', 'insert', ['set', { length: 3 }]]] });
  expect(batch.blamed(0)).toEqual(new Set(['one', 'two', 'three']));
  expect(batch.blamed(3)).toEqual(new Set(['two']));
  expect(batch.blamed(operations.length)).toBe('nobody');
});

it('what two plans take out of one set is sent once: the server refuses duplicates', () => {
  const state = stateWithSwitch();
  const [front] = state.switchesNamed('front');
  if (front === undefined) throw new Error('there is no switch');
  const batch = new Batch<string>();
  for (const name of ['one', 'two']) {
    const builder = newTransactionBuilder();
    builder.remove('Logical_Switch', front, 'ports', [uuidAtom(FRONT)]);
    batch.add(name, builder.done());
  }
  expect(batch.operations.at(-1)).toMatchObject({
    mutations: [['ports', 'delete', ['set', [['uuid', FRONT]]]]],
  });
});
