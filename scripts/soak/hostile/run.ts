/**
 * The course of a hostile soak: honest and hostile pods come, change and go in random order, while
 * leaders, the daemon and the API server are disturbed; after every step the oracle looks at all.
 */
import { command } from '../../../test/lab/command.ts';
import { OVS_DATABASE } from '../../../test/lab/ovn-node.ts';
import { Random } from '../random.ts';
import { FAULTS } from './faults.ts';
import { HonestPods } from './honest.ts';
import { HostilePods } from './hostile.ts';
import { inspect } from './oracle.ts';
import { Population } from './population.ts';
import { MACHINE, type Stage, startStage } from './stage.ts';
import { Verdict } from './verdict.ts';

/** The network has a hundred addresses, which hostile pods want, too. */
const HONEST_MAX = 8;
const HOSTILE_MAX = 16;

export interface HostileOutcome {
  readonly figures: Readonly<Record<string, number>>;
  readonly steps: ReadonlyMap<string, { readonly count: number }>;
  readonly isClean: boolean;
}

export async function hostileSoak(steps: number, seed: number): Promise<HostileOutcome> {
  const startedMs = performance.now();
  const stage = await startStage();
  const run = new Run(stage, new Random(seed));
  await run.begin();
  for (let step = 0; step < steps; step += 1) {
    await run.step();
    if (step % PROGRESS_EVERY === 0) run.progress(step);
  }
  await run.end();
  await stage.stop();
  return run.outcome({ steps, seed, seconds: (performance.now() - startedMs) / 1000 });
}

const PROGRESS_EVERY = 25;

interface Kind {
  readonly name: string;
  /** How often it comes, relative to the others. */
  readonly weight: number;
  readonly run: () => Promise<void>;
}

class Run {
  readonly #stage: Stage;
  readonly #random: Random;
  readonly #population = new Population();
  readonly #verdict = new Verdict();
  readonly #honest: HonestPods;
  readonly #hostile: HostilePods;
  #hostileCount = 0;
  readonly #kinds: readonly Kind[] = [
    { name: 'honest pod comes', weight: 16, run: () => this.#honestComes() },
    { name: 'honest pod goes', weight: 6, run: () => this.#honestGoes() },
    { name: 'honest pod is checked', weight: 10, run: () => this.#checkPod() },
    { name: 'hostile pod comes', weight: 30, run: () => this.#hostileComes() },
    { name: 'hostile pod is edited', weight: 14, run: () => this.#hostileChanges() },
    { name: 'hostile pod gets a new sandbox', weight: 6, run: () => this.#hostileRestarts() },
    { name: 'hostile pod goes', weight: 12, run: () => this.#hostileGoes() },
    { name: 'fault', weight: 6, run: () => this.#fault() },
  ];

  constructor(stage: Stage, random: Random) {
    this.#stage = stage;
    this.#random = random;
    this.#honest = new HonestPods(stage, this.#population, this.#verdict);
    this.#hostile = new HostilePods(stage, this.#population);
  }

  /** Attacks need somebody to attack. */
  async begin(): Promise<void> {
    for (let count = 0; count < 4; count += 1) await this.#honest.come();
    await this.#inspect();
  }

  async step(): Promise<void> {
    const total = this.#kinds.reduce((sum, { weight }) => sum + weight, 0);
    let place = this.#random.below(total);
    const kind = this.#kinds.find(({ weight }) => {
      place -= weight;
      return place < 0;
    }) as Kind;
    const startedMs = performance.now();
    await kind.run();
    this.#stage.tally.step(kind.name, performance.now() - startedMs);
    await this.#inspect();
  }

  /** A last leader adopts what is there; then all pods go, and nothing of them may stay. */
  async end(): Promise<void> {
    await this.#disturbed(FAULTS[0] as (typeof FAULTS)[number]);
    for (const honest of this.#population.honest) await this.#honest.checkPod(honest, undefined);
    await this.#inspect();
    for (const hostile of [...this.#population.hostile]) await this.#hostile.go(hostile);
    for (const honest of [...this.#population.honest]) await this.#honest.go(honest);
    // As long as it is there, its addresses are kept for its next launcher.
    this.#stage.api.delete('VirtualMachineInstance', `default/${MACHINE}`);
    await this.#expectNothingLeft();
  }

  progress(step: number): void {
    const { honest, hostile } = this.#population;
    const up = hostile.filter(({ running }) => running !== undefined).length;
    console.log(
      `${(performance.now() / 1000).toFixed(0).padStart(4)} s  step ${step}: ${honest.length} honest pods, ` +
        `${hostile.length} hostile ones of which ${up} run; slowest honest ${this.#honest.slowestMs.toFixed(0)} ms`,
    );
  }

  outcome(about: { steps: number; seed: number; seconds: number }): HostileOutcome {
    const verdict = this.#verdict;
    return {
      figures: {
        steps: about.steps,
        hostile_pods: this.#hostileCount,
        refused_by_api: this.#hostile.refused,
        double_addresses: verdict.count('double_addresses'),
        usurped_ports: verdict.count('usurped_ports'),
        out_of_range: verdict.count('out_of_range'),
        honest_delayed: verdict.count('honest_delayed'),
        honest_cut_off: verdict.count('honest_cut_off'),
        programs_ended: verdict.count('programs_ended'),
        leaked: verdict.count('leaked'),
        honest_slowest_ms: Math.round(this.#honest.slowestMs),
        seed: about.seed,
        seconds: Math.round(about.seconds),
      },
      steps: this.#stage.tally.steps,
      isClean: verdict.isClean,
    };
  }

  async #inspect(): Promise<void> {
    await inspect(this.#stage, this.#population, this.#verdict);
  }

  async #honestComes(): Promise<void> {
    const { honest } = this.#population;
    if (honest.length >= HONEST_MAX) await this.#honestGoes();
    await this.#honest.come();
  }

  async #honestGoes(): Promise<void> {
    const { honest } = this.#population;
    if (honest.length > 2) await this.#honest.go(this.#random.pick(honest));
  }

  async #checkPod(): Promise<void> {
    const { honest } = this.#population;
    const [one, other] = this.#random.shuffled(honest);
    if (one !== undefined) await this.#honest.checkPod(one, other);
  }

  async #hostileComes(): Promise<void> {
    while (this.#population.hostile.length >= HOSTILE_MAX) await this.#hostileGoes();
    this.#hostilePod();
  }

  #hostilePod(): void {
    this.#hostileCount += 1;
    this.#hostile.come(this.#random);
  }

  async #hostileChanges(): Promise<void> {
    const { hostile } = this.#population;
    if (hostile.length > 0) this.#hostile.edit(this.#random.pick(hostile), this.#random);
  }

  async #hostileRestarts(): Promise<void> {
    const up = this.#population.hostile.filter(({ running }) => running !== undefined);
    if (up.length > 0) await this.#hostile.restart(this.#random.pick(up));
  }

  async #hostileGoes(): Promise<void> {
    const { hostile } = this.#population;
    if (hostile.length > 0) await this.#hostile.go(this.#random.pick(hostile));
  }

  async #fault(): Promise<void> {
    await this.#disturbed(this.#random.pick(FAULTS));
  }

  /** A fault, hostile pods that use the moment, and an honest one that proves that it is over. */
  async #disturbed({ name, part, run }: (typeof FAULTS)[number]): Promise<void> {
    using _fault = this.#stage.faults.begin(part);
    this.#stage.tally.step(name, 0);
    await run(this.#stage, async () => {
      // None goes: its end may wait for what the fault holds up, and that would prolong the fault.
      for (let count = 0; count < 3; count += 1) this.#hostilePod();
      await this.#hostileChanges();
    });
    await this.#honestComes();
  }

  /** IP objects and ports of pods that are gone: the programs take them away by themselves. */
  async #expectNothingLeft(): Promise<void> {
    const { api, node } = this.#stage;
    const records = () => api.list('IP').filter(({ spec }) => spec?.podName !== '');
    const isClean = () => records().length === 0;
    const clean = api.untilSome('Node', isClean).then(() => true);
    const late = new Promise<false>((resolve) =>
      setTimeout(resolve, CLEAN_UP_MS_MAX, false).unref(),
    );
    if (!(await Promise.race([clean, late]))) {
      for (const { metadata } of records()) this.#verdict.add('leaked', `IP ${metadata.name}`);
    }
    const words = ['--bare', '--columns=name', 'find', 'Interface', 'external_ids:vendor=kube-ovn'];
    const ports = await command('ovs-vsctl', [`--db=${OVS_DATABASE}`, ...words]);
    const own = ports.split('\n').filter((port) => port.endsWith('_h'));
    for (const port of own) this.#verdict.add('leaked', `port ${port}`);
    const rows = await node.nbctl('--bare', '--columns=name', 'list', 'Logical_Switch_Port');
    const pods = rows.split('\n').filter((name) => name.includes('.default.'));
    for (const name of pods) this.#verdict.add('leaked', `logical switch port ${name}`);
  }
}

/** For the controller to take back what pods had; ms. */
const CLEAN_UP_MS_MAX = 30_000;
