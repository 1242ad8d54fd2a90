/**
 * What every process says of itself: the names that Prometheus' own clients give, as Kube-OVN's
 * dashboards ask for them. Read off /proc and Node.js when somebody asks.
 *
 * The client library has such families, too; they come with timers and a second measurement of the
 * event loop that run all the time.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { type Metrics, single } from './metrics.ts';

/** Adds the families of the process. What the kernel does not say has no series; nothing here throws. */
export function addProcessMetrics(metrics: Metrics): void {
  metrics.readCounter(
    { name: 'process_cpu_seconds_total', help: 'Processor time of this process; seconds.' },
    () => {
      const { user, system } = process.cpuUsage();
      return single((user + system) / 1e6);
    },
  );
  metrics.gauge(
    { name: 'process_start_time_seconds', help: 'When this process was started; Unix time.' },
    () => single(performance.timeOrigin / 1000),
  );
  metrics.gauge(
    { name: 'process_resident_memory_bytes', help: 'Memory of this process that is in RAM.' },
    () => single(process.memoryUsage.rss()),
  );
  metrics.gauge(
    { name: 'process_virtual_memory_bytes', help: 'Address space of this process.' },
    () => number(/^VmSize:\s+(\d+) kB/m.exec(readProc('status'))?.[1], 1024),
  );
  metrics.gauge({ name: 'process_open_fds', help: 'Open file descriptors.' }, openDescriptors);
  metrics.gauge({ name: 'process_max_fds', help: 'Most file descriptors that may be open.' }, () =>
    number(/^Max open files\s+(\d+)/m.exec(readProc('limits'))?.[1]),
  );
  metrics.gauge({ name: 'nodejs_heap_size_used_bytes', help: "JavaScript's objects." }, () =>
    single(process.memoryUsage().heapUsed),
  );
  metrics.gauge(
    {
      name: 'go_goroutines',
      help: "What the event loop waits for: timers, sockets, child processes. There are no goroutines; the name is that of Kube-OVN's dashboards, where a number that only grows is a leak.",
    },
    () => single(process.getActiveResourcesInfo().length),
  );
}

function openDescriptors() {
  try {
    // One of them is the directory's own.
    return single(readdirSync('/proc/self/fd').length - 1);
  } catch {
    return [];
  }
}

/** No series where the kernel does not say it. */
function number(text: string | undefined, factor = 1) {
  return text === undefined ? [] : single(Number(text) * factor);
}

/** Empty where /proc is not there, or hidden. */
function readProc(file: string): string {
  try {
    return readFileSync(`/proc/self/${file}`, 'utf8');
  } catch {
    return '';
  }
}
