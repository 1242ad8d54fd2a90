/** Follows a file until it is killed, and writes what it reads. */
import { startLineMonitor } from '../../../../src/common/process/line-monitor.ts';

startLineMonitor('tail', ['-f', process.argv[2] ?? ''], {
  line: (line) => process.stdout.write(`${line}\n`),
  end: (reason) => process.stdout.write(`${reason}\n`),
});
