/** The course of a soak: a phase with kills, then one without for the comparison of memory. */

import { takeCensus } from './census.ts';
import { removePod } from './controller.ts';
import { followed } from './faults.ts';
import { Kubelet } from './kubelet.ts';
import { inspect, runSteps, type Soak } from './phase.ts';
import { createSlots } from './pods.ts';
import { figuresOf, type ProcessFigures } from './process-figures.ts';
import { Random } from './random.ts';
import { startStage } from './stage.ts';
import { deck, KINDS, type Kind } from './steps.ts';
import type { Tally } from './tally.ts';
import { Verdict } from './verdict.ts';

const SLOTS = 24;
/** Steps from one census to the next. */
const CENSUS_EVERY = 100;
/** Of all steps: those of the phase without kills. */
const CALM_SHARE = 0.35;
/** Steps that a new daemon has behind it before its memory is looked at, at most. */
const WARM_UP_MAX = 200;
/** Connections that come and go. */
const DESCRIPTORS_GROWTH_MAX = 10;

export interface Outcome {
  readonly figures: Readonly<Record<string, number>>;
  readonly tally: Tally;
  /** Of the daemon, from its warm-up to the end. */
  readonly series: readonly ProcessFigures[];
  /** Messages of the daemon's logs that tell of more than calls. */
  readonly remarkable: ReadonlyMap<string, number>;
  readonly isClean: boolean;
}

export async function soak(cycles: number, seed: number): Promise<Outcome> {
  const startedMs = performance.now();
  const stage = await startStage();
  const kubelet = new Kubelet(stage);
  const slots = createSlots(SLOTS);
  const before = await takeCensus(stage.node);
  const random = new Random(seed);
  const run: Soak = { stage, kubelet, slots, before, verdict: new Verdict(), random };
  const calmCycles = Math.ceil(cycles * CALM_SHARE);

  await phase(run, deck(cycles - calmCycles, KINDS, random));
  await stage.daemon.restart(async () => {});
  const calmKinds = KINDS.filter(({ kills }) => kills === undefined);
  await runSteps(run, deck(Math.min(cycles, WARM_UP_MAX), calmKinds, random));
  await clear(run);
  const series = [await figures(run)];
  await phase(run, deck(calmCycles, calmKinds, random), async () => {
    series.push(await figures(run));
  });
  await stage.stop();
  return conclude(run, { cycles, seed, series, ms: performance.now() - startedMs });
}

/** Steps with censuses; at the end everything is taken down. */
async function phase(run: Soak, kinds: readonly Kind[], atRest = async () => {}): Promise<void> {
  for (let from = 0; from < kinds.length; from += CENSUS_EVERY) {
    await runSteps(run, kinds.slice(from, from + CENSUS_EVERY));
    await inspect(run);
    await atRest();
    progress(run);
  }
  await clear(run);
  await atRest();
  progress(run);
}

/** Ends all that is there: by DELs, by the loss of sandboxes, and by GCs of what is forgotten. */
async function clear(run: Soak): Promise<void> {
  const { stage, kubelet, slots } = run;
  const known = [...kubelet.homes].filter(({ isForgotten }) => !isForgotten);
  const ends = known.map(async (home, index) => {
    if (index % 2 === 0) return kubelet.takeDown(home);
    await kubelet.unmount(home);
    kubelet.homes.delete(home);
  });
  await Promise.all(ends);
  for (const slot of slots) {
    slot.home = undefined;
    slot.owed.length = 0;
    await removePod(stage, slot);
  }
  await inspect(run);
  for (const network of Object.values(stage.networks)) await kubelet.collect(network);
  await inspect(run);
  await kubelet.reap();
  await inspect(run);
}

/** Of the daemon, with no more connections than it needs. */
async function figures({ stage }: Soak): Promise<ProcessFigures> {
  const gone = stage.api.watches.waitForCount(0);
  stage.api.resetConnections();
  await gone;
  await followed(stage);
  return figuresOf(stage.daemon.pid);
}

function progress({ stage, slots, kubelet, verdict }: Soak): void {
  const { tally } = stage;
  const steps = [...tally.steps.values()].reduce((sum, { count }) => sum + count, 0);
  const living = slots.filter(({ home }) => home !== undefined).length;
  const seconds = (performance.now() / 1000).toFixed(0).padStart(4);
  const leaks = verdict.leaked();
  console.log(
    `${seconds} s  ${steps} steps, ${tally.killCount} kills, ${living} pods in ${kubelet.homes.size} sandboxes, ` +
      `${leaks} leaks, ${verdict.damaged} damaged, ${tally.surprises} surprises`,
  );
}

function conclude(
  { stage: { tally, daemon }, verdict }: Soak,
  {
    cycles,
    seed,
    series,
    ms,
  }: { cycles: number; seed: number; series: readonly ProcessFigures[]; ms: number },
): Outcome {
  const [first, last] = [series.at(0), series.at(-1)];
  const growth = (figure: keyof ProcessFigures) => (last?.[figure] ?? 0) - (first?.[figure] ?? 0);
  const mustBeNone = {
    leaked_ports: verdict.leaked('port'),
    leaked_qos: verdict.leaked('QoS', 'Queue'),
    leaked_links: verdict.leaked('link'),
    leaked_namespaces: verdict.leaked('namespace'),
    leaked_records: verdict.leaked('record'),
    leaked_files: verdict.leaked('file'),
    leaked_processes: Math.max(0, growth('children')),
    live_damaged: verdict.damaged,
    surprises: tally.surprises,
  };
  return {
    figures: {
      cycles,
      kills: tally.killCount,
      ...mustBeNone,
      rss_growth_mb: Math.round(growth('rssMb') * 10) / 10,
      descriptors_growth: growth('descriptors'),
      seed,
      seconds: Math.round(ms / 1000),
    },
    tally,
    series,
    remarkable: daemon.remarkable(),
    isClean:
      Object.values(mustBeNone).every((count) => count === 0) &&
      growth('descriptors') <= DESCRIPTORS_GROWTH_MAX,
  };
}
