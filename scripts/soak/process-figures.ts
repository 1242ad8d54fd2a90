/** What a process uses, as the kernel counts it. */
import { readdir, readFile } from 'node:fs/promises';

export interface ProcessFigures {
  readonly rssMb: number;
  readonly descriptors: number;
  readonly children: number;
}

export async function figuresOf(pid: number): Promise<ProcessFigures> {
  const [status, descriptors, children] = await Promise.all([
    readFile(`/proc/${pid}/status`, 'utf8'),
    readdir(`/proc/${pid}/fd`),
    countChildren(pid),
  ]);
  const kilobytes = Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]);
  return { rssMb: kilobytes / 1024, descriptors: descriptors.length, children };
}

async function countChildren(pid: number): Promise<number> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const stats = await Promise.all(
    // A process may end meanwhile.
    pids.map((name) => readFile(`/proc/${name}/stat`, 'utf8').catch(() => '')),
  );
  // After the command in parentheses: state, parent.
  return stats.filter((stat) => stat.slice(stat.lastIndexOf(')')).split(' ')[2] === `${pid}`)
    .length;
}
