/**
 * npm run soak: a real node on which pods come, go and get new sandboxes in random order, while the
 * daemon, the executable, OVS, OVN and the API server are killed and disturbed. Afterwards nothing
 * may be left, and every pod that lives must have its network.
 *
 * `-- --cycles N` (1,000), `--seed S` (random), `--json FILE`
 */
import { randomInt } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { goInside } from './inside.ts';
import { printReport } from './soak/report.ts';
import { soak } from './soak/run.ts';

const { values } = parseArgs({
  options: {
    cycles: { type: 'string', default: '1000' },
    seed: { type: 'string', default: String(randomInt(2 ** 31)) },
    json: { type: 'string' },
  },
});
const cycles = wholeNumber('cycles', values.cycles);
const seed = wholeNumber('seed', values.seed);
goInside('soak');

// The first process of its namespaces is ended by no signal that it does not handle.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
console.log(`seed ${seed}, ${cycles} cycles`);
const outcome = await soak(cycles, seed);
printReport(outcome);
const { figures } = outcome;
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(figures, null, 2)}\n`);
process.exit(outcome.isClean ? 0 : 1);

function wholeNumber(flag: string, text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  console.error(`soak: --${flag}: expected a whole number, found "${text}"`);
  process.exit(1);
}
