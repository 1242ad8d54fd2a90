/** docs/metrics.md lists what the programs tell, and nothing else. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ProgramMetrics } from '../../../src/common/metrics/program-metrics.ts';
import { addQueueMetrics } from '../../../src/common/metrics/queue-metrics.ts';
import { addWatchMetrics } from '../../../src/common/metrics/watch-metrics.ts';
import { createProgramLog } from '../../../src/common/program-log.ts';
import { ControllerMetrics } from '../../../src/controller/metrics.ts';
import { STAGES } from '../../../src/daemon/call/stage.ts';
import { DaemonMetrics } from '../../../src/daemon/report/metrics.ts';
import { VERSION } from '../../../src/wire/version.ts';

const text = readFileSync(resolve(import.meta.dirname, '../../../docs/metrics.md'), 'utf8');
const ROW = /^\| `(\w+)` \| (counter|gauge|histogram) \| (.*?) ?\| (.+) \|$/gm;

interface Row {
  readonly name: string;
  readonly type: string;
  readonly labels: readonly string[];
}

/** The table of a section. */
function documented(section: string): Row[] {
  const [, part = ''] = new RegExp(`^## ${section}\n(.*?)(?=^## )`, 'ms').exec(text) ?? [];
  return [...part.matchAll(ROW)].map(([, name = '', type = '', labels = '']) => {
    return { name, type, labels: [...labels.matchAll(/`(\w+)`/g)].map(([, label = '']) => label) };
  });
}

function createProgram(): ProgramMetrics {
  const program = new ProgramMetrics(createProgramLog({ write: () => {} }), VERSION);
  program.addRequests('');
  return program;
}

/** Families of a program without those that both have. */
function familiesOf(add: (program: ProgramMetrics) => void): readonly Row[] {
  const shared = createProgram();
  addWatchMetrics(shared.metrics, () => []);
  addQueueMetrics(shared.metrics, () => new Map());
  const names = new Set(shared.metrics.families.map(({ name }) => name));
  const program = createProgram();
  add(program);
  return rowsOf(program).filter(({ name }) => !names.has(name));
}

function rowsOf({ metrics }: ProgramMetrics): Row[] {
  return metrics.families.map(({ name, type, labels }) => ({ name, type, labels }));
}

const byName = (rows: readonly Row[]) => rows.toSorted((a, b) => a.name.localeCompare(b.name));

describe('the tables of metrics', () => {
  it('have what both programs tell', () => {
    const shared = createProgram();
    addWatchMetrics(shared.metrics, () => []);
    addQueueMetrics(shared.metrics, () => new Map());
    expect(byName(documented('Both programs'))).toEqual(byName(rowsOf(shared)));
  });

  it('have what the daemon tells', () => {
    const families = familiesOf(({ metrics }) => new DaemonMetrics(metrics, 'node-1'));
    expect(byName(documented('Daemon'))).toEqual(byName(families));
  });

  it('have what the controller tells', () => {
    const families = familiesOf(({ metrics }) => new ControllerMetrics(metrics));
    expect(byName(documented('Controller'))).toEqual(byName(families));
  });

  it('name stages that there are, and all that an ADD may wait in', () => {
    const [, part = ''] = /^Stages of an ADD.*?\n\n(.*?)\n\n`/ms.exec(text) ?? [];
    const named = [...part.matchAll(/`([\w-]+)`/g)].map(([, stage = '']) => stage);
    expect(named.filter((stage) => !(stage in STAGES))).toEqual([]);
    const atOnce = ['validate-request', 'provider', 'parse-address', 'parse-routes', 'encap-ip'];
    const notOfAdd = ['delete-nic', 'remove-default-route', 'configure-nic'];
    const waits = Object.keys(STAGES).filter((name) => ![...atOnce, ...notOfAdd].includes(name));
    expect(named.toSorted()).toEqual(waits.toSorted());
  });
});
