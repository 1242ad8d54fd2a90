/**
 * npm run soak: a real node on which pods come, go and get new sandboxes in random order, while the
 * daemon, the executable, OVS, OVN and the API server are killed and disturbed. Afterwards nothing
 * may be left, and every pod that lives must have its network.
 *
 * `-- --cycles N` (1,000), `--seed S` (random), `--json FILE`
 *
 * With `--hostile` some pods are hostile: they want addresses, MACs and ports of others, and to stop
 * the programs, also while leaders change; an oracle looks after every step (soak/hostile). Then
 * `--cycles` are steps, 300 by default.
 */
import { randomInt } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { goInside } from './inside.ts';
import { hostileSoak } from './soak/hostile/run.ts';
import { printHostileReport, printReport } from './soak/report.ts';
import { soak } from './soak/run.ts';

const { values } = parseArgs({
  options: {
    cycles: { type: 'string' },
    hostile: { type: 'boolean', default: false },
    seed: { type: 'string', default: String(randomInt(2 ** 31)) },
    json: { type: 'string' },
  },
});
const cycles = wholeNumber('cycles', values.cycles ?? (values.hostile ? '300' : '1000'));
const seed = wholeNumber('seed', values.seed);
goInside('soak');

// The first process of its namespaces is ended by no signal that it does not handle.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
console.log(`seed ${seed}, ${cycles} ${values.hostile ? 'steps' : 'cycles'}`);
const { figures, isClean } = values.hostile ? await runHostile() : await runSoak();
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(figures, null, 2)}\n`);
process.exit(isClean ? 0 : 1);

async function runSoak() {
  const outcome = await soak(cycles, seed);
  printReport(outcome);
  return outcome;
}

async function runHostile() {
  const outcome = await hostileSoak(cycles, seed);
  printHostileReport(outcome);
  return outcome;
}

function wholeNumber(flag: string, text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  console.error(`soak: --${flag}: expected a whole number, found "${text}"`);
  process.exit(1);
}
