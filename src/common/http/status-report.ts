/**
 * What a program says about itself at `/statusz`: part by part whether it works, and if not, why.
 * For people, and as JSON for programs. Pure.
 */

/** One thing that the program needs: Open vSwitch, a watch of the API server. */
export interface StatusPart {
  readonly name: string;
  readonly ok: boolean;
  /** A sentence: how it is, or what is wrong and what to look at. */
  readonly text: string;
}

/** What `/statusz` shows of one program. */
export interface StatusReport {
  readonly program: string;
  /** Node or pod that it runs as. */
  readonly instance: string;
  /** When the process was started; ISO 8601. */
  readonly startedAt: string;
  readonly parts: readonly StatusPart[];
}

/** True where all parts work. */
export function isWell({ parts }: StatusReport): boolean {
  return parts.every(({ ok }) => ok);
}

/** `ok` in front is the whole in one word. */
export function reportJson(report: StatusReport): string {
  return `${JSON.stringify({ ok: isWell(report), ...report }, undefined, 2)}\n`;
}

/** The report for people: one line for the whole, and one for each part, marked with `✓` or `✗`. */
export function reportText(report: StatusReport): string {
  const { program, instance, startedAt, parts } = report;
  const failing = parts.filter(({ ok }) => !ok).length;
  const verdict = failing === 0 ? 'all is well' : `${failing} of ${parts.length} do not work`;
  const width = Math.max(0, ...parts.map(({ name }) => name.length));
  const lines = parts.map(
    ({ name, ok, text }) => `${ok ? '✓' : '✗'} ${name.padEnd(width)}  ${oneLine(text)}`,
  );
  return `${[`${program} on ${instance} since ${startedAt}: ${verdict}`, ...lines].join('\n')}\n`;
}

function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, '; ');
}
