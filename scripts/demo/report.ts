/** What the demo shows to people, and whether every step held. */

export class Report {
  #failures: string[] = [];
  #steps = 0;
  readonly #startedMs = performance.now();

  /** Begins a part of the demo, and shows when. */
  section(title: string): void {
    console.log(`\n\u001b[1m${title}\u001b[0m (after ${this.#seconds()} s)`);
  }

  info(text: string): void {
    console.log(`  ${text}`);
  }

  /** One step that holds or not. */
  check(title: string, holds: boolean, detail = ''): void {
    this.#steps += 1;
    if (!holds) this.#failures.push(title);
    console.log(`  ${holds ? 'ok  ' : 'FAIL'} ${title}${detail === '' ? '' : `: ${detail}`}`);
  }

  /** A step that holds where two counts are the same; shows what there is more than before. */
  unchanged(title: string, before: Readonly<Record<string, number>>, now: typeof before): void {
    const more = Object.entries(now).map(
      ([name, count]) => [name, count - (before[name] ?? 0)] as const,
    );
    const detail = more.map(([name, difference]) => `${difference} ${name}`).join(', ');
    this.check(
      title,
      more.every(([, difference]) => difference === 0),
      `${detail} more than before`,
    );
  }

  /** A table with columns as wide as their contents. */
  table(headings: readonly string[], rows: readonly (readonly string[])[]): void {
    const widths = headings.map((heading, column) =>
      Math.max(heading.length, ...rows.map((row) => (row[column] ?? '').length)),
    );
    const line = (cells: readonly string[]) =>
      `  ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd();
    console.log(line(headings));
    console.log(line(widths.map((width) => '-'.repeat(width))));
    for (const row of rows) console.log(line(row));
  }

  /** Sums up; returns the exit code. */
  finish(): number {
    const failed = this.#failures.length;
    console.log(`\n${this.#steps - failed} of ${this.#steps} steps held, in ${this.#seconds()} s`);
    for (const failure of this.#failures) console.log(`  failed: ${failure}`);
    return failed === 0 ? 0 : 1;
  }

  #seconds(): string {
    return ((performance.now() - this.#startedMs) / 1000).toFixed(1);
  }
}
