/** What befalls the programs and the API server while hostile pods come: each until all works again. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { FaultyPart } from '../fault-record.ts';
import type { Stage } from './stage.ts';

/** How long the API server is away; ms. */
const AWAY_MS = 500;

export interface Fault {
  readonly name: string;
  readonly part: FaultyPart;
  readonly run: (stage: Stage, meanwhile: () => Promise<void>) => Promise<void>;
}

export const FAULTS: readonly Fault[] = [
  {
    name: 'leader killed',
    part: 'kube-ovn-controller',
    run: ({ candidates }, meanwhile) => candidates.killLeader(meanwhile),
  },
  {
    name: 'leader paused',
    part: 'kube-ovn-controller',
    run: ({ candidates }, meanwhile) => candidates.pauseLeader(meanwhile),
  },
  {
    name: 'daemon killed',
    part: 'kube-ovn-cni',
    run: ({ daemon }, meanwhile) => daemon.kill(meanwhile),
  },
  {
    name: 'API server: connections reset',
    part: 'API server',
    run: async ({ api }, meanwhile) => {
      api.resetConnections();
      await meanwhile();
    },
  },
  {
    name: 'API server: history forgotten (410)',
    part: 'API server',
    run: async ({ api }, meanwhile) => {
      api.compact();
      api.resetConnections();
      await meanwhile();
    },
  },
  {
    name: 'API server: answers 503',
    part: 'API server',
    run: async ({ api }, meanwhile) => {
      api.faults.failAll(503);
      api.resetConnections();
      await meanwhile();
      await sleep(AWAY_MS);
      api.faults.failAll(undefined);
    },
  },
  {
    name: 'API server: silent',
    part: 'API server',
    run: async ({ api }, meanwhile) => {
      api.silence();
      await meanwhile();
      await sleep(AWAY_MS);
      api.resume();
      api.resetConnections();
    },
  },
];
