import { describe, expect, it } from 'vitest';
import { planPod } from '../../../../../src/controller/kinds/pod/pod-plan.ts';
import { Ports } from '../../../../../src/controller/kinds/pod/ports.ts';
import { planSwitch } from '../../../../../src/controller/kinds/subnet/switch-plan.ts';
import type { Nbctl } from '../../../../../src/controller/ovn/nbctl.ts';
import { createNorthbound } from '../../../../../src/controller/ovn/northbound.ts';
import { failureOf, portOf, switchOf } from '../../../../unit/controller/ovn/support.ts';
import { startDatabase } from '../../ovn/database.ts';

const POD = 'shop/web-0';

/** A database with switch `front`, and the ports of pods in it. */
async function setUp() {
  const database = await startDatabase();
  await database.bring((state) => planSwitch(state, switchOf()));
  let calls = 0;
  let before: (() => void) | undefined;
  const nbctl: Nbctl = (commands) => {
    calls += 1;
    const act = before;
    before = undefined;
    act?.();
    return database.nbctl(commands);
  };
  return {
    database,
    ports: new Ports(createNorthbound(nbctl)),
    /** Looks at the database, and writes to it, since the last time that this was asked. */
    calls: () => {
      const count = calls;
      calls = 0;
      return count;
    },
    /** Does this when the database is asked the next time. */
    beforeNext: (act: () => void) => {
      before = act;
    },
    names: async () => [...(await database.read()).switchPorts.values()].map(({ name }) => name),
  };
}

describe('the ports of a pod', () => {
  it('are made once, and then cost nothing', async () => {
    const { ports, calls, names } = await setUp();
    expect(await ports.bring(POD, [portOf()])).toBe(true);
    expect(await names()).toEqual([portOf().name]);
    calls();
    expect(await ports.bring(POD, [portOf()])).toBe(false);
    expect(calls()).toBe(0);
  });

  it('are brought to what they are to be when that changes', async () => {
    const { ports, database } = await setUp();
    await ports.bring(POD, [portOf()]);
    expect(await ports.bring(POD, [portOf('10.1.0.9')])).toBe(true);
    const [port] = (await database.read()).switchPorts.values();
    expect(port?.addresses).toEqual(['02:00:00:00:01:05 10.1.0.9']);
  });

  it('are looked at, and not written, where another leader has made them', async () => {
    const { ports, database, calls } = await setUp();
    await database.bring((state) => planPod(state, POD, [portOf()]));
    expect(await ports.bring(POD, [portOf()])).toBe(false);
    expect(calls()).toBe(1);
    expect(await ports.bring(POD, [portOf()])).toBe(false);
    expect(calls()).toBe(0);
  });

  it('are made again when somebody else has removed them', async () => {
    const { ports, database, names } = await setUp();
    await ports.bring(POD, [portOf()]);
    await database.by('lsp-del', portOf().name);
    expect(await ports.bring(POD, [portOf()])).toBe(false);
    ports.forget(POD);
    expect(await ports.bring(POD, [portOf()])).toBe(true);
    expect(await names()).toEqual([portOf().name]);
  });

  it('are looked at again where somebody changed them while they were brought', async () => {
    const { ports, calls, beforeNext } = await setUp();
    beforeNext(() => ports.forget(POD));
    await ports.bring(POD, [portOf()]);
    calls();
    expect(await ports.bring(POD, [portOf()])).toBe(false);
    expect(calls()).toBe(1);
  });

  it('are tried again after a failure', async () => {
    const { ports, names } = await setUp();
    const astray = portOf('10.2.0.5', { subnet: 'back' });
    const bring = () => ports.bring(POD, [astray]);
    expect((await failureOf(bring)).reason).toBe('missing');
    expect((await failureOf(bring)).reason).toBe('missing');
    expect(ports.keys()).toEqual([POD]);
    expect(await ports.bring(POD, [portOf()])).toBe(true);
    expect(await names()).toEqual([portOf().name]);
  });
});

describe('a pod without ports', () => {
  it('that never had one costs nothing', async () => {
    const { ports, calls } = await setUp();
    expect(await ports.bring(POD, [])).toBe(false);
    expect(calls()).toBe(0);
    expect(ports.keys()).toEqual([]);
  });

  it('that had some has them removed, and is forgotten', async () => {
    const { ports, names } = await setUp();
    await ports.bring(POD, [portOf()]);
    expect(await ports.bring(POD, [])).toBe(true);
    expect(await names()).toEqual([]);
    expect(ports.keys()).toEqual([]);
  });

  it('has those removed that it had before this leader', async () => {
    const { ports, database, names } = await setUp();
    await database.bring((state) => planPod(state, POD, [portOf()]));
    ports.begin(await database.read());
    expect(ports.keys()).toEqual([POD]);
    expect(await ports.bring(POD, [])).toBe(true);
    expect(await names()).toEqual([]);
  });

  it('is forgotten, though its own removal is told meanwhile', async () => {
    const { ports, beforeNext } = await setUp();
    await ports.bring(POD, [portOf()]);
    beforeNext(() => ports.forget(POD));
    await ports.bring(POD, []);
    expect(ports.keys()).toEqual([]);
  });

  it('keeps those that are to stay as they are', async () => {
    const { ports, names } = await setUp();
    const own = portOf();
    await ports.bring(POD, [own]);
    expect(await ports.bring(POD, [], new Set([own.name]))).toBe(false);
    expect(await names()).toEqual([own.name]);
    expect(ports.keys()).toEqual([POD]);
  });
});

describe('when a leader begins', () => {
  it('it knows the pods whose ports are ours, and no others', async () => {
    const { ports, database } = await setUp();
    await database.bring((state) => planPod(state, POD, [portOf()]));
    await database.by('lsp-add', 'front', 'by-hand');
    await database.by('lsp-add', 'front', 'alien');
    await database.by('set', 'Logical_Switch_Port', 'alien', 'external_ids:pod="shop/alien"');
    ports.begin(await database.read());
    expect(ports.keys()).toEqual([POD]);
  });

  it('what it has brought since counts', async () => {
    const { ports, database, calls } = await setUp();
    const state = await database.read();
    await ports.bring(POD, [portOf()]);
    ports.begin(await database.read());
    ports.begin(state);
    calls();
    expect(await ports.bring(POD, [portOf()])).toBe(false);
    expect(calls()).toBe(0);
  });
});

it('without OVN there are no ports, and who needs one is told so', async () => {
  const ports = new Ports(undefined);
  expect(await ports.bring(POD, [])).toBe(false);
  const failure = await failureOf(() => ports.bring(POD, [portOf()]));
  expect(failure).toMatchObject({
    reason: 'unsupported',
    message: expect.stringContaining(POD),
    details: expect.stringContaining('--ovn-nb-addr'),
  });
  expect(ports.keys()).toEqual([]);
});
