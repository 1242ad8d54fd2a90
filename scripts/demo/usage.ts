/** How many addresses of a Subnet are in use, as its status says. */
import { untilObject } from './objects.ts';
import type { Report } from './report.ts';
import type { Stage } from './stage.ts';

export interface Usage {
  readonly using: number;
  readonly usingRange: string;
  readonly available: number;
  readonly availableRange: string;
}

/** Waits until a Subnet's status says that so many of its addresses are in use. */
export async function usageOf({ api }: Stage, subnet: string, using: number): Promise<Usage> {
  const { status = {} } = await untilObject(api, 'Subnet', subnet, (object) => {
    const { v4usingIPs, v4usingIPrange } = object.status ?? {};
    // Counts are of IP objects; an address is free a moment after the end of its object.
    return v4usingIPs === using && (using > 0 || v4usingIPrange === '');
  });
  return {
    using,
    usingRange: String(status.v4usingIPrange),
    available: Number(status.v4availableIPs),
    availableRange: String(status.v4availableIPrange),
  };
}

/** Shows the usage of a Subnet before pods came, with them, and when they had gone. */
export function showUsage(
  subnet: string,
  usage: Readonly<Record<'before' | 'during' | 'after', Usage>>,
  report: Report,
): void {
  const { before, during, after } = usage;
  const rows = Object.entries(usage).map(([when, { using, usingRange, available }]) => {
    return [when, `${using}`, `${available}`, usingRange.replaceAll(',', ', ') || '-'];
  });
  console.log();
  report.table([`Subnet ${subnet}`, 'using', 'available', 'addresses in use'], rows);
  console.log();
  const isCounted = during.available === before.available - during.using;
  const isBack = after.available === before.available;
  const isWhole = after.availableRange === before.availableRange;
  report.check(`Subnet ${subnet} has all its addresses back`, isCounted && isBack && isWhole);
}
