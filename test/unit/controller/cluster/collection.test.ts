import { expect, it } from 'vitest';
import { Collection } from '../../../../src/controller/cluster/collection.ts';
import { CONTROLLER, FakeApiServer, type KubernetesObject } from '../../../lab/kubernetes/api.ts';
import { configOf, RecordingLog, shortLimits } from '../../common/kubernetes/support.ts';
import { sizeOfPrivate } from '../../daemon/support.ts';
import { shows } from '../support.ts';

const PATH = '/apis/kubeovn.io/v1/subnets';

interface Kept {
  readonly uid: string;
  readonly version: string;
  readonly color: string;
}

function project(raw: unknown): Kept {
  const { metadata, spec } = raw as KubernetesObject;
  const { uid = '', resourceVersion = '' } = metadata;
  return { uid, version: resourceVersion, color: String(spec?.routeTable) };
}

/** A fake API server with the red Subnet `net`, and a copy of its Subnets. */
async function setUp({ versionOf = ({ version }: Kept) => version } = {}) {
  const server = await FakeApiServer.start();
  const make = (color: string) =>
    server.create({ kind: 'Subnet', metadata: { name: 'net' }, spec: { routeTable: color } });
  make('red');
  const options = { config: configOf(server, CONTROLLER), path: PATH, log: new RecordingLog() };
  const subnets = new Collection<Kept>({ ...options, project, versionOf, limits: shortLimits });
  subnets.start();
  await subnets.synced;
  await server.watches.waitForCount(1);
  const dispose = async () => {
    subnets.stop();
    await server.close();
  };
  return {
    server,
    subnets,
    make,
    /** The answer to a patch; the watch brings it not before something is awaited. */
    paint: (color: string) => server.patch('Subnet', 'net', { spec: { routeTable: color } }),
    color: () => subnets.get('net')?.color,
    /** What the watch has brought. */
    watched: () => [...subnets.values()].map(({ color }) => color),
    [Symbol.asyncDispose]: dispose,
  };
}

it('what was written is seen before the watch brings it', async () => {
  await using all = await setUp();
  all.subnets.wrote('net', all.paint('green'));
  expect(all.color()).toBe('green');
  expect(all.watched()).toEqual(['red']);
});

it('an older state that the watch brings is not shown in its place', async () => {
  await using all = await setUp();
  const seen: unknown[] = [];
  all.subnets.onChange(({ value }) => seen.push([value.color, all.color()]));
  all.paint('yellow');
  all.subnets.wrote('net', all.paint('green'));
  await shows(all.subnets, () => all.watched().includes('green'));
  expect(seen).toEqual([
    ['yellow', 'green'],
    ['green', 'green'],
  ]);
});

it('once the watch has brought it, the watch alone counts', async () => {
  await using all = await setUp();
  all.subnets.wrote('net', all.paint('green'));
  await shows(all.subnets, () => all.watched().includes('green'));
  expect(await sizeOfPrivate(all.subnets, '#written')).toBe(0);
  all.paint('blue');
  await shows(all.subnets, () => all.watched().includes('blue'));
  expect(all.color()).toBe('blue');
});

it('what somebody else has written later counts', async () => {
  await using all = await setUp();
  all.subnets.wrote('net', all.paint('green'));
  all.paint('blue');
  await shows(all.subnets, () => all.watched().includes('blue'));
  expect(all.color()).toBe('blue');
});

it('an answer that comes after the watch has brought more is not shown', async () => {
  await using all = await setUp();
  const answer = all.paint('green');
  all.paint('blue');
  await shows(all.subnets, () => all.watched().includes('blue'));
  all.subnets.wrote('net', answer);
  expect(all.color()).toBe('blue');
});

it('versions are numbers, of which more digits are more', async () => {
  await using all = await setUp();
  const { metadata, ...rest } = all.paint('green');
  all.subnets.wrote('net', { ...rest, metadata: { ...metadata, resourceVersion: '10000' } });
  expect(all.color()).toBe('green');
});

it('what has no version that can be compared waits for the watch', async () => {
  await using all = await setUp({ versionOf: () => '' });
  all.subnets.wrote('net', all.paint('green'));
  expect(all.color()).toBe('red');
});

it('the answer to a write does not revive an object that has been deleted', async () => {
  await using all = await setUp();
  const answer = all.paint('green');
  all.server.delete('Subnet', 'net');
  await shows(all.subnets, () => all.watched().length === 0);
  all.subnets.wrote('net', answer);
  expect(all.color()).toBeUndefined();
});

it('an object that is deleted goes with what was written, before any listener is told', async () => {
  await using all = await setUp();
  const seen: unknown[] = [];
  all.subnets.onChange(({ type }) => seen.push([type, all.color()]));
  all.subnets.wrote('net', all.paint('green'));
  all.server.delete('Subnet', 'net');
  await shows(all.subnets, () => all.watched().length === 0);
  expect(seen.at(-1)).toEqual(['deleted', undefined]);
});

it('an object that was deleted while nobody was connected goes with what was written', async () => {
  await using all = await setUp();
  all.server.watches.muteAll();
  all.subnets.wrote('net', all.paint('green'));
  all.server.delete('Subnet', 'net');
  // What happened meanwhile is not told, and the next list does not have it.
  all.server.compact();
  all.server.watches.endAll();
  await shows(all.subnets, () => all.watched().length === 0);
  expect(all.color()).toBeUndefined();
});

it('an object that was made anew has nothing of what was written on the one before', async () => {
  await using all = await setUp();
  const answer = all.paint('green');
  all.subnets.wrote('net', answer);
  all.server.delete('Subnet', 'net');
  const { uid } = all.make('white').metadata;
  await shows(all.subnets, () => all.watched().includes('white'));
  all.subnets.wrote('net', answer);
  expect(all.subnets.get('net')).toMatchObject({ uid, color: 'white' });
});

it('a write on what is gone shows nothing', async () => {
  await using all = await setUp();
  all.subnets.wrote('net', undefined);
  expect(all.color()).toBe('red');
});
