/**
 * The report of a pod's limits for a terminal. Pure.
 */
import type { NicReport } from './report.ts';

const HEADINGS = ['', 'annotated', 'in Open vSwitch', 'in force', 'from'];

/** A table for each NIC; what stands behind a "!" needs attention. */
export function formatReport(nics: readonly NicReport[]): string {
  return nics.map(formatNic).join('\n\n');
}

function formatNic({ provider, port, logicalSwitchPort, limits, warnings, ...nic }: NicReport) {
  const name = nic.interface === '' ? '' : `${nic.interface}, `;
  const rows = limits.map(({ limit, annotated, inOvs, inForce, source, isRight }) => {
    return [`${mark(isRight)} ${limit}`, annotated, inOvs, inForce, shortened(source)];
  });
  const notes = limits.flatMap(({ limit, notes, isRight }) => {
    return notes.map((note) => `${mark(isRight)} ${limit}: ${note}`);
  });
  return [
    `${name}network ${provider}, port ${port}, logical switch port ${logicalSwitchPort}`,
    ...formatTable([HEADINGS, ...rows]),
    ...notes,
    ...warnings.map((warning) => `${mark(false)} ${warning}`),
  ].join('\n');
}

/** "attachnet.default.ovn.kubernetes.io/latency, …/loss". */
function shortened(source: string): string {
  const keys = source.split(', ');
  const prefix = keys[0]?.split('/')[0] ?? '';
  return keys.map((key, index) => (index === 0 ? key : key.replace(prefix, '…'))).join(', ');
}

function mark(isRight: boolean): string {
  return isRight ? ' ' : '!';
}

function formatTable(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => {
    return Math.max(...rows.map((row) => row[column]?.length ?? 0));
  });
  return rows.map((row) => {
    return row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  });
}
