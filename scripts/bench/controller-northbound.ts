/**
 * The controller with the northbound database alone: what nothing of OVN acts on costs nobody else
 * anything. Many ports in it, many pods that end, and a start with many.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { mapOf, setOf, uuidAtom } from '../../src/common/ovsdb/value.ts';
import { type OpenNorthbound, openNorthbound } from '../../src/controller/ovn/open.ts';
import { OvsdbServer } from '../../test/lab/ovsdb-server.ts';
import { RecordingLog } from '../../test/unit/daemon/recording-log.ts';
import {
  ATTACHNET,
  allocateAtOnce,
  allocateOneByOne,
  type ControllerStage,
  createPod,
  isAllocated,
  megabytesOf,
  startController,
  startStage,
} from './controller-stage.ts';
import { median, round } from './statistics.ts';

const MANY_PORTS = 50_000;
const FEW_PORTS = 100;
const PORTS_PER_SWITCH = 1000;
const ENDING_PODS = 200;
const OLD_PODS = 10_000;
/** What a controller does at once after it has come to the end of its work is over by then; ms. */
const SETTLES_MS = 2000;

export async function measureNorthbound() {
  const many = await amongPorts(MANY_PORTS);
  const few = await amongPorts(FEW_PORTS);
  return {
    ctl_ovn_pod_p50_50000_over_100: round(many.p50 / few.p50),
    ctl_rss_mb_50000_ports: many.megabytes,
    ...(await measureEnds()),
    ...(await measureStart()),
  };
}

/** A lone pod of an OVN network in a database with so many ports of others. */
async function amongPorts(count: number) {
  await using server = await OvsdbServer.start();
  await server.end();
  await server.seed(foreignPorts(count));
  await server.run();
  const stage = await startStage({ northbound: server.remote });
  // Until the database is known.
  await allocateAtOnce(stage, ATTACHNET, 1);
  const samples = await allocateOneByOne(stage, ATTACHNET);
  const megabytes = await megabytesOf(stage.controller);
  await stage.stop();
  return { p50: median(samples), megabytes };
}

function foreignPorts(count: number) {
  const uuidOf = (number: number) =>
    `${number.toString(16).padStart(8, '0')}-0000-4000-8000-000000000000`;
  const numbers = Array.from({ length: count }, (_, number) => number);
  const ports = numbers.map((number) => {
    const address = [
      '02:00:00:00:01:05',
      [172, number >> 16, (number >> 8) & 255, number & 255].join('.'),
    ];
    const ids = mapOf({ owner: 'another', workload: `workload-${number}` });
    const row = {
      name: `port-${number}.another`,
      addresses: setOf([address.join(' ')]),
      external_ids: ids,
    };
    return [uuidOf(number), row] as const;
  });
  const switches = Array.from({ length: Math.ceil(count / PORTS_PER_SWITCH) }, (_, number) => {
    const start = number * PORTS_PER_SWITCH;
    const own = numbers.slice(start, start + PORTS_PER_SWITCH);
    const row = {
      name: `another-${number}`,
      ports: setOf(own.map((each) => uuidAtom(uuidOf(each)))),
    };
    return [uuidOf(count + number), row] as const;
  });
  return {
    Logical_Switch_Port: Object.fromEntries(ports),
    Logical_Switch: Object.fromEntries(switches),
  };
}

/** The end of many pods at once: until no port and no IP object is left. */
async function measureEnds() {
  await using server = await OvsdbServer.start();
  const stage = await startStage({ northbound: server.remote });
  const { api } = stage;
  await allocateAtOnce(stage, ATTACHNET, ENDING_PODS);
  await sleep(SETTLES_MS);
  await using watching = await watch(server.remote);
  const before = api.requests.all.length;
  const startedMs = performance.now();
  for (const { metadata } of api.list('Pod')) {
    api.delete('Pod', `default/${metadata.name}`, { gracePeriodSeconds: 0 });
  }
  await Promise.all([noneLeft(stage), watching.noPods()]);
  const seconds = (performance.now() - startedMs) / 1000;
  await sleep(SETTLES_MS);
  const writes = api.requests.all
    .slice(before)
    .filter(({ verb, path }) => verb !== 'watch' && path.includes('/ips/'))
    .map(({ verb, path }) => `${verb} ${path}`);
  await stage.stop();
  return {
    ctl_ovn_delete_200_s: round(seconds),
    ctl_ovn_delete_requests_twice: writes.length - new Set(writes).size,
  };
}

async function noneLeft({ api }: Pick<ControllerStage, 'api'>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const check = () => {
    if (api.list('IP').length === 0) resolve();
  };
  const stop = api.onChange('IP', check);
  check();
  await promise;
  stop();
}

/** Somebody else who follows the database. */
async function watch(remote: string) {
  const options = { address: { database: remote }, log: new RecordingLog() };
  const northbound = openNorthbound({ ...options, signal: new AbortController().signal });
  await northbound.ready();
  return {
    northbound,
    noPods: () => noPods(northbound),
    [Symbol.asyncDispose]: () => northbound.close(),
  };
}

function noPods({ state }: OpenNorthbound): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const check = () => {
    const isPod = ({ external_ids: ids }: { external_ids: object }) => 'pod' in ids;
    if (![...state.switchPorts.values()].some(isPod)) resolve();
  };
  state.replica.onChange(check);
  check();
  return promise;
}

/** A start in a cluster whose pods all have their addresses and ports. */
async function measureStart() {
  await using server = await OvsdbServer.start();
  const stage = await startStage({ northbound: server.remote });
  const { api, controller } = stage;
  await allocateAtOnce(stage, ATTACHNET, OLD_PODS);
  await sleep(SETTLES_MS);
  const burstMegabytes = await megabytesOf(controller);
  await controller.stop();
  await using watching = await watch(server.remote);
  let messages = 0;
  watching.northbound.state.replica.onChange(() => {
    messages += 1;
  });
  const before = api.requests.all.length;
  const startedMs = performance.now();
  const next = await startController(server.remote);
  const name = createPod(api, ATTACHNET);
  await api.until('Pod', `default/${name}`, (pod) => isAllocated(pod, ATTACHNET));
  const seconds = (performance.now() - startedMs) / 1000;
  await sleep(SETTLES_MS);
  const megabytes = await megabytesOf(next);
  await next.stop();
  await api.close();
  // The new pod is a patch of its own, some of the Subnet's status, and a transaction.
  const isOwn = (path: string) =>
    [`/pods/${name}`, '/subnets/', '/leases/'].some((part) => path.includes(part));
  const patches = api.requests.all
    .slice(before)
    .filter(({ verb, path }) => verb === 'patch' && !isOwn(path));
  return {
    ctl_start_10000_s: round(seconds),
    ctl_start_10000_writes: patches.length + messages - 1,
    ctl_rss_mb_10000: megabytes,
    ctl_rss_mb_10000_burst: burstMegabytes,
  };
}
