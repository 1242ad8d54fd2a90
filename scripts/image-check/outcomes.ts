/** Of an error, its end. */
const CHARS_MAX = 4000;

/** What was checked, line by line, and whether all of it was right. */
export class Outcomes {
  #failed = 0;
  #count = 0;

  /** Runs one check and prints a line; what it throws is what is wrong. */
  async check(title: string, run: () => Promise<string | undefined>): Promise<boolean> {
    this.#count += 1;
    const startedMs = performance.now();
    try {
      const said = await run();
      const ms = Math.round(performance.now() - startedMs);
      console.log(`ok      ${title}${said === undefined ? '' : `: ${said}`} (${ms} ms)`);
      return true;
    } catch (error) {
      this.#failed += 1;
      const text = error instanceof Error ? error.message : String(error);
      console.log(`FAILED  ${title}: ${text.slice(-CHARS_MAX)}`);
      return false;
    }
  }

  /** Prints the sum. @returns the process's exit code */
  end(): number {
    console.log(`\n${this.#count - this.#failed} passed, ${this.#failed} failed`);
    return this.#failed === 0 ? 0 : 1;
  }
}
