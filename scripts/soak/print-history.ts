/** Shows something that must not be, with all that is known of its container. */
import type { Stage } from './stage.ts';

/** @param containerId empty where nothing says whose it is */
export function printWithHistory(
  { journal, daemon }: Stage,
  title: string,
  containerId: string,
): void {
  const lines =
    containerId === ''
      ? []
      : [
          ...journal.historyOf(containerId),
          ...daemon.logLines(containerId),
          'the last warnings of the daemon that are about no container:',
          ...daemon.warnings().slice(-WARNINGS_MAX),
        ];
  console.log(`\n${[title, ...lines].join('\n    ')}\n`);
}

const WARNINGS_MAX = 8;
