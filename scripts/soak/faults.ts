/** What is done to the daemon, to OVS and OVN, and to the API server. */
import { setTimeout as sleep } from 'node:timers/promises';
import { KeyedLock } from '../../src/common/concurrency/keyed-lock.ts';
import { command } from '../../test/lab/command.ts';
import { OVS_DATABASE } from '../../test/lab/ovn-node.ts';
import { stateOfOvn } from './ovn-state.ts';
import { end } from './pod-end.ts';
import type { Stage } from './stage.ts';
import type { StepContext } from './step-context.ts';

export type Part = 'ovsdb-server' | 'ovs-vswitchd' | 'ovn-controller';

/** How long something stays away at most; ms. */
const AWAY_MS_MAX = 300;
/** One fault of a kind at a time. */
const turn = new KeyedLock();

/**
 * SIGKILL; in half of the cases a pod goes while no daemon runs, so that its DELs are recorded, and
 * some daemons are killed again in the middle of what a daemon begins with.
 */
export async function killDaemon(context: StepContext): Promise<void> {
  const { stage, random } = context;
  await context.pause(100);
  await stage.daemon.kill(async () => {
    if (random.chance(0.5)) await end(context);
    else await context.pause(AWAY_MS_MAX);
    if (random.chance(0.2)) await stage.daemon.startInVain(50 + random.below(START_MS));
  });
}

/** About as long as a daemon takes until it is ready; ms. */
const START_MS = 600;

/** An upgrade: SIGTERM, and the next one starts when the calls in flight are done. */
export async function restartDaemon({ stage }: StepContext): Promise<void> {
  await stage.daemon.restart(async () => {});
}

/** SIGKILL for a part of OVS or OVN, and a new one. */
export function killPart(part: Part): (context: StepContext) => Promise<void> {
  return (context) =>
    turn.run(part, async () => {
      const { stage } = context;
      const { node, faults, journal, tally } = stage;
      using _fault = faults.begin(part);
      journal.noteAll(`SIGKILL to ${part}`);
      tally.kill(part);
      await node.killPart(part);
      await context.pause(AWAY_MS_MAX);
      await startPart(stage, part);
      journal.noteAll(`${part} runs again`);
      await recovered(stage);
      journal.noteAll(`${part} works again`);
    });
}

/** The one that was killed may still hold its pid file for a moment. */
async function startPart({ node }: Stage, part: Part): Promise<void> {
  for (let attempts = 1; ; attempts += 1) {
    try {
      await node.startPart(part);
      return;
    } catch (error) {
      if (attempts === 50) throw error;
      await sleep(20);
    }
  }
}

/**
 * Returns when OVS has made what its database says, and OVN says that it has done all. OVS comes first:
 * a new ovs-vswitchd may give ports other numbers, and OVN's flows follow them.
 */
export async function recovered(stage: Stage): Promise<void> {
  // Another step may have killed the database server meanwhile.
  const options = [`--db=${OVS_DATABASE}`, '--timeout=60', '--retry'];
  const change = `other_config:soak=${Math.round(performance.now())}`;
  // Without --no-wait it returns when ovs-vswitchd has followed.
  await command('ovs-vsctl', [...options, 'set', 'Open_vSwitch', '.', change]);
  await chassisSynced(stage);
}

const SYNC_ATTEMPTS_MAX = 5;

/**
 * Returns when ovn-controller has done all that the northbound database says. What was asked of OVN
 * while one of its connections broke may go unanswered for ever, though OVN does its work: it is
 * asked anew then, and the report says how often that was.
 */
async function chassisSynced({ node, journal, tally }: Stage): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await node.nbctl('--timeout=20', '--wait=hv', 'sync');
      return;
    } catch (error) {
      if (attempt === SYNC_ATTEMPTS_MAX) throw new Error(await stateOfOvn(), { cause: error });
      journal.noteAll('OVN does not answer whether it has done all: it is asked again');
      tally.fault('OVN: no answer to a sync');
    }
  }
}

/** A fault of the API server, until the daemon follows it again. */
export function disturbApi(context: StepContext): Promise<void> {
  return turn.run('API server', async () => {
    const { stage, random } = context;
    const { faults, journal, tally } = stage;
    await sleep(Math.max(0, steadyAtMs - performance.now()));
    using _fault = faults.begin('API server');
    const [name, fault] = random.pick(Object.entries(API_FAULTS));
    journal.noteAll(`API server: ${name}`);
    tally.fault(`API server: ${name}`);
    await fault(context);
    await followed(stage);
    journal.noteAll('API server: followed again');
    steadyAtMs = performance.now() + STEADY_MS;
  });
}

/**
 * A client of the API server pauses the longer the sooner one failure follows another, as it must:
 * faults are so far apart that each is the first.
 */
const STEADY_MS = 2500;
let steadyAtMs = 0;

const API_FAULTS: Readonly<Record<string, (context: StepContext) => Promise<void>>> = {
  'connections reset': ({ stage }) => allEnd(stage, () => stage.api.resetConnections()),
  'history forgotten (410)': ({ stage }) =>
    allEnd(stage, () => {
      stage.api.compact();
      stage.api.resetConnections();
    }),
  'answers 503': ({ stage, random }) =>
    allEnd(stage, () => {
      stage.api.faults.failNext(1 + random.below(6), 503);
      stage.api.resetConnections();
    }),
  silent: async (context) => {
    const { api } = context.stage;
    api.silence();
    await context.pause(AWAY_MS_MAX);
    api.resume();
    await allEnd(context.stage, () => api.resetConnections());
  },
  'does not listen': async (context) => {
    const { api } = context.stage;
    await allEnd(context.stage, () => api.close());
    await context.pause(AWAY_MS_MAX);
    await api.start();
  },
};

/** Ends all watches, and returns when they are gone. */
async function allEnd({ api }: Stage, endThem: () => void | Promise<void>): Promise<void> {
  const gone = api.watches.waitForCount(0);
  await endThem();
  await gone;
}

/** Pods, Subnets, IPs, ProviderNetworks and the Node. */
const WATCHES = 5;

/** Returns when the daemon that runs has all its watches. */
export async function followed({ api }: Stage): Promise<void> {
  await api.watches.waitForCount(WATCHES);
}
