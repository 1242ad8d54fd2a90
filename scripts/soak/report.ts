/** What a soak shows at its end. */
import type { HostileOutcome } from './hostile/run.ts';
import type { Outcome } from './run.ts';
import type { Timed } from './tally.ts';

export function printReport({ figures, tally, series, remarkable, isClean }: Outcome): void {
  table('steps', rowsOf(tally.steps));
  const calls = [...tally.calls].sort(([one], [other]) => (one < other ? -1 : 1));
  for (const [verb, codes] of calls) table(`${verb} by code (0: success)`, rowsOf(codes));
  table('killed by SIGKILL', counts(tally.kills));
  table('other faults', counts(tally.faults));
  table("beside calls, in the daemon's log", counts(remarkable));
  table('daemon in the phase without kills', [
    ['', 'RSS in MB', 'descriptors', 'children'],
    ...series.map(({ rssMb, descriptors, children }, index) => [
      index === 0 ? 'after warm-up' : `census ${index}`,
      rssMb.toFixed(1),
      `${descriptors}`,
      `${children}`,
    ]),
  ]);
  table(
    'figures',
    Object.entries(figures).map(([name, value]) => [name, `${value}`]),
  );
  console.log(
    isClean ? '\nclean' : `\nNOT CLEAN: see above; npm run soak -- --seed ${figures.seed}`,
  );
}

export function printHostileReport({ figures, steps, isClean }: HostileOutcome): void {
  const counted = [...steps].sort(([, one], [, other]) => other.count - one.count);
  table(
    'steps, attacks and faults',
    counted.map(([name, { count }]) => [name, `${count}`]),
  );
  table(
    'figures',
    Object.entries(figures).map(([name, value]) => [name, `${value}`]),
  );
  const command = `npm run soak -- --hostile --seed ${figures.seed}`;
  console.log(isClean ? '\nclean' : `\nNOT CLEAN: see above; ${command}`);
}

/** Most frequent first. */
function rowsOf(timed: ReadonlyMap<string, Timed>): string[][] {
  const sorted = [...timed].sort(([, one], [, other]) => other.count - one.count);
  return [
    ['', 'count', 'mean ms', 'longest ms'],
    ...sorted.map(([name, { count, totalMs, maxMs }]) => [
      name,
      `${count}`,
      (totalMs / count).toFixed(0),
      maxMs.toFixed(0),
    ]),
  ];
}

function counts(map: ReadonlyMap<string, number>): string[][] {
  return [...map]
    .sort(([, one], [, other]) => other - one)
    .map(([name, count]) => [name, `${count}`]);
}

/** The first column to the left, the others to the right. */
function table(title: string, rows: readonly (readonly string[])[]): void {
  console.log(`\n${title}`);
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  for (const row of rows) {
    const cells = row.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
    );
    console.log(`  ${cells.join('  ')}`.trimEnd());
  }
}
