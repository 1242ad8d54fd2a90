import { describe, expect, it } from 'vitest';
import { planPod } from '../../../../../src/controller/kinds/pod/pod-plan.ts';
import { Ports } from '../../../../../src/controller/kinds/pod/ports.ts';
import { planSwitch } from '../../../../../src/controller/kinds/subnet/switch-plan.ts';
import { failureOf, portOf, switchOf } from '../../../../unit/controller/ovn/support.ts';
import { open, startDatabase } from '../../ovn/database.ts';

const POD = 'shop/web-0';

/** A database with switch `front`, and the ports of pods in it. */
async function setUp() {
  const database = await startDatabase();
  await database.apply((state) => planSwitch(state, switchOf()));
  let transactions = 0;
  const observe = () => {
    transactions += 1;
  };
  const northbound = open(database.remote, { observe });
  await northbound.ready();
  return {
    database,
    northbound,
    ports: new Ports(northbound),
    transactions: () => transactions,
    names: async () => [...(await database.read()).switchPorts.values()].map(({ name }) => name),
  };
}

describe('the ports of a pod', () => {
  it('are made once, and then cost nothing', async () => {
    const { ports, transactions, names } = await setUp();
    expect(await ports.ensure(POD, [portOf()])).toBe(true);
    expect(await names()).toEqual([portOf().name]);
    expect(await ports.ensure(POD, [portOf()])).toBe(false);
    expect(transactions()).toBe(1);
  });

  it('are brought to what they are to be when that changes', async () => {
    const { ports, database } = await setUp();
    await ports.ensure(POD, [portOf()]);
    expect(await ports.ensure(POD, [portOf('10.1.0.9')])).toBe(true);
    const [port] = (await database.read()).switchPorts.values();
    expect(port?.addresses).toEqual(['02:00:00:00:01:05 10.1.0.9']);
  });

  it('are not written where another leader has made them', async () => {
    const { ports, database, northbound, transactions } = await setUp();
    await database.apply((state) => planPod(state, POD, [portOf()]));
    await northbound.barrier();
    expect(await ports.ensure(POD, [portOf()])).toBe(false);
    expect(transactions()).toBe(0);
  });

  it('are made again when somebody else has removed them', async () => {
    const { ports, database, northbound, names } = await setUp();
    await ports.ensure(POD, [portOf()]);
    await database.by('lsp-del', portOf().name);
    await northbound.barrier();
    expect(await ports.ensure(POD, [portOf()])).toBe(true);
    expect(await names()).toEqual([portOf().name]);
  });

  it('are tried again after a failure', async () => {
    const { ports, names } = await setUp();
    const astray = portOf('10.2.0.5', { subnet: 'back' });
    const ensure = () => ports.ensure(POD, [astray]);
    expect((await failureOf(ensure)).reason).toBe('missing');
    expect((await failureOf(ensure)).reason).toBe('missing');
    expect(await ports.ensure(POD, [portOf()])).toBe(true);
    expect(await names()).toEqual([portOf().name]);
  });
});

describe('a pod without ports', () => {
  it('that never had one costs nothing, and waits for no database', async () => {
    const { ports, database, northbound, transactions } = await setUp();
    await database.stopServer();
    await expect.poll(() => northbound.failure).toBeDefined();
    expect(await ports.ensure(POD, [])).toBe(false);
    expect(transactions()).toBe(0);
    expect(ports.keys()).toEqual([]);
  });

  it('that had some has them removed', async () => {
    const { ports, names } = await setUp();
    await ports.ensure(POD, [portOf()]);
    expect(ports.keys()).toEqual([POD]);
    expect(await ports.ensure(POD, [])).toBe(true);
    expect(await names()).toEqual([]);
    expect(ports.keys()).toEqual([]);
  });

  it('keeps those that are to stay as they are', async () => {
    const { ports, names } = await setUp();
    const own = portOf();
    await ports.ensure(POD, [own]);
    expect(await ports.ensure(POD, [], new Set([own.name]))).toBe(false);
    expect(await names()).toEqual([own.name]);
    expect(ports.keys()).toEqual([POD]);
  });
});

it('pods are known whose ports are ours, and no others', async () => {
  const { ports, database, northbound } = await setUp();
  await database.apply((state) => planPod(state, POD, [portOf()]));
  await database.by('lsp-add', 'front', 'by-hand');
  await database.by('lsp-add', 'front', 'alien');
  await database.by('set', 'Logical_Switch_Port', 'alien', 'external_ids:pod="shop/alien"');
  await northbound.barrier();
  expect(ports.keys()).toEqual([POD]);
});

it('without OVN there are no ports, and who needs one is told so', async () => {
  const ports = new Ports(undefined);
  expect(await ports.ensure(POD, [])).toBe(false);
  const failure = await failureOf(() => ports.ensure(POD, [portOf()]));
  expect(failure).toMatchObject({
    reason: 'unsupported',
    message: expect.stringContaining(POD),
    details: expect.stringContaining('--ovn-nb-addr'),
  });
  expect(ports.keys()).toEqual([]);
});
