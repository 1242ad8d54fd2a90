import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findPort, unplug } from '../../../../src/daemon/ovs/port-removal.ts';
import {
  changeCommands,
  NO_CONTROL,
  type Policing,
  type Qos,
  type TrafficControl,
} from '../../../../src/daemon/ovs/traffic-control.ts';
import { LIMITED, planOf } from '../../../unit/daemon/ovs/port-plan.ts';
import { countRows, EMPTY, otherPlan, toObject } from './port-support.ts';
import {
  expectApplied,
  htb,
  MARKS,
  NAME,
  netem,
  setUpWithMirror,
  stateOf,
} from './traffic-control-support.ts';

/** Of every kind two, and a burst of 0. */
const QOS: readonly (Qos | undefined)[] = [
  undefined,
  htb(5_000_000, 500_000),
  htb(9_000_000, 0),
  netem({ latency: '10000', loss: '1' }),
  netem({ loss: '0.5', limit: '4294967295', jitter: '7000' }),
];
const POLICING: Policing = { rateKbps: 3000, burstKbit: 2400 };
const STATES: readonly TrafficControl[] = QOS.flatMap((qos) => [
  { ...NO_CONTROL, qos },
  { qos, policing: POLICING, isMirrored: true },
]);

/** Of every state, to every other. */
function walkOf<T>(states: readonly T[]): T[] {
  return states.flatMap((one, index) => [
    ...states.slice(index + 1).flatMap((other) => [one, other]),
    one,
  ]);
}

describe('a port in a database', () => {
  it('has what it is made with', async () => {
    const { database, plugIt, mirrorRow, inspect } = await setUpWithMirror();
    for (const control of STATES) {
      await plugIt(planOf({ control, mirrorRow }));
      const found = await inspect();
      await expectApplied(database, found, control);
      for (const row of [found.qosRow, found.queueRow]) expect(row?.isOwn ?? true).toBe(true);
      const { rows } = await findPort(database.ovs, planOf().attachment, [NAME]);
      await unplug(database, rows);
    }
  });

  it('can be brought from every state to every other', async () => {
    const { database, plugIt, mirrorRow, apply } = await setUpWithMirror();
    const [first = NO_CONTROL, ...others] = walkOf(STATES);
    await plugIt(planOf({ control: first, mirrorRow }));
    for (const wanted of others) await expectApplied(database, await apply(wanted), wanted);
  });

  it('can be brought to any rates, bursts and netem', async () => {
    const { database, plugIt, inspect, apply } = await setUpWithMirror();
    const number = fc.oneof(fc.nat(9), fc.maxSafeNat());
    const text = number.map(String);
    const keys = ['latency', 'jitter', 'limit', 'loss'];
    const config = fc.dictionary(fc.constantFrom(...keys), text, { minKeys: 1 });
    const control = fc.record({
      policing: fc.oneof(
        fc.constant(NO_CONTROL.policing),
        fc.record({ rateKbps: fc.integer({ min: 1 }), burstKbit: number }),
      ),
      qos: fc.oneof(
        fc.constant(undefined),
        fc.tuple(number, number).map((numbers) => htb(...numbers)),
        config.map(netem),
      ),
      isMirrored: fc.boolean(),
    });
    await plugIt(planOf());
    await fc.assert(
      fc.asyncProperty(control, async (wanted) => {
        const before = await inspect();
        const after = await apply(wanted);
        await expectApplied(database, after, wanted);
        if (before.qos?.type !== 'linux-htb' || wanted.qos?.type !== 'linux-htb') return;
        expect([after.qosRow, after.queueRow]).toEqual([before.qosRow, before.queueRow]);
      }),
      { numRuns: 40 },
    );
  });

  it('keeps its rows, with all that is on them, where only a number changes', async () => {
    const { database, plugIt, inspect, apply } = await setUpWithMirror();
    await plugIt(planOf({ control: LIMITED }));
    const before = await inspect();
    const priority = 'other_config:priority=5';
    await database.vsctl(['--', 'set', 'Queue', before.queueRow?.uuid ?? '', priority]);
    const after = await apply({ qos: htb(7, 8) });
    expect([after.qosRow, after.queueRow]).toEqual([before.qosRow, before.queueRow]);
    const [[config, marks] = []] = await database.rows('Queue', 'other_config', 'external_ids');
    expect(toObject(config)).toEqual({ 'max-rate': '7', burst: '8', priority: '5' });
    expect(toObject(marks)).toMatchObject({ container_id: planOf().attachment.containerId });
  });

  it("turns the mirror's port over with every change, and with several in one transaction once", async () => {
    const { database, plugIt, inspect, apply } = await setUpWithMirror();
    await plugIt(planOf());
    await plugIt(otherPlan('other'));
    await database.vsctl([
      ...['--', 'add-port', 'br-int', 'mirror0', '--', '--id=@out', 'get', 'Port', 'mirror0'],
      ...['--', 'set', 'Mirror', 'm0', 'output_port=@out'],
    ]);
    const isProtected = async () => (await inspect()).mirrorOutput?.isProtected;
    const seen = [await isProtected()];
    for (const isMirrored of [true, true, false]) {
      await apply({ isMirrored });
      seen.push(await isProtected());
    }
    expect(seen).toEqual([false, true, true, false]);
    const found = [await inspect(), await inspect('other_h')];
    const all = found.flatMap((each) => changeCommands(each, { ...each, isMirrored: true }, MARKS));
    await database.vsctl(all);
    expect(await isProtected()).toBe(true);
    const after = [await inspect(), await inspect('other_h')];
    expect(after.map(({ isMirrored }) => isMirrored)).toEqual([true, true]);
  });

  it('has the marks on its new rows', async () => {
    const { database, plugIt, apply } = await setUpWithMirror();
    await plugIt(planOf());
    await apply(LIMITED);
    const ids = {
      'iface-id': 'web-0.shop.attachnet.default.ovn',
      pod: 'shop/web-0',
      container_id: planOf().attachment.containerId,
      if_name: 'net1',
    };
    for (const table of ['QoS', 'Queue']) {
      const [[marks] = []] = await database.rows(table, 'external_ids');
      expect(toObject(marks)).toEqual(ids);
    }
    const { rows } = await findPort(database.ovs, planOf().attachment, [NAME]);
    await unplug(database, rows);
    expect(await countRows(database)).toEqual(EMPTY);
  });

  it('is brought along beside another one in one transaction', async () => {
    const { database, plugIt, inspect } = await setUpWithMirror();
    await plugIt(planOf());
    await plugIt(otherPlan('other', { control: LIMITED }));
    const wanted = { ...LIMITED, qos: htb(7, 8), isMirrored: true };
    const all = [await inspect(), await inspect('other_h')].flatMap((found) =>
      changeCommands(found, wanted, MARKS),
    );
    await database.vsctl(all);
    const after = [await inspect(), await inspect('other_h')];
    expect(after.map(stateOf)).toEqual([wanted, wanted]);
    expect(new Set(after.map(({ qosRow }) => qosRow?.uuid)).size).toBe(2);
    expect(await countRows(database)).toEqual({ Port: 3, Interface: 3, QoS: 2, Queue: 2 });
  });
});
