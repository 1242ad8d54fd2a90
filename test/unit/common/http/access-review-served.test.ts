/** Reviews of tokens by the fake API server, with the roles of the component secure-serving. */
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { loadAll } from 'js-yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AccessReview } from '../../../../src/common/http/access-review.ts';
import { KubernetesApi } from '../../../../src/common/kubernetes/api.ts';
import { type Account, DAEMON, FakeApiServer } from '../../../lab/kubernetes/api.ts';
import type { PolicyRule } from '../../../lab/kubernetes/rbac.ts';
import { RecordingLog } from '../../daemon/recording-log.ts';
import { configOf } from '../kubernetes/support.ts';

const FILE = new URL('../../../../deploy/components/secure-serving/role.yaml', import.meta.url);
const REVIEWS = '/apis/authorization.k8s.io/v1/subjectaccessreviews';

interface Role {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly rules?: readonly PolicyRule[];
}

function rulesOf(name: string): readonly PolicyRule[] {
  const roles = loadAll(readFileSync(FILE, 'utf8')) as Role[];
  return (
    roles.find(({ kind, metadata }) => kind === 'ClusterRole' && metadata.name === name)?.rules ??
    []
  );
}

const REVIEWER: Account = {
  user: 'reviewer',
  grants: [{ rules: rulesOf('kube-ovn-access-review') }],
};
const PROMETHEUS: Account = {
  user: 'prometheus',
  grants: [{ rules: rulesOf('kube-ovn-metrics-reader') }],
};
const OTHER: Account = { user: 'other', grants: [] };

let server: FakeApiServer;
beforeAll(async () => {
  server = await FakeApiServer.start();
});
afterAll(() => server.close());

const apiOf = (account: Account) => new KubernetesApi(configOf(server, account));

async function ask(token: string, asks: Account = REVIEWER, url = '/metrics') {
  const log = new RecordingLog();
  const call = { headers: { authorization: `Bearer ${token}` }, url } as IncomingMessage;
  const signal = AbortSignal.timeout(30_000);
  const { status } = await new AccessReview(apiOf(asks), log).decide(call, signal);
  return { status, lines: log.lines };
}

describe('the roles of the component secure-serving', () => {
  it('let the programs ask, and Prometheus read metrics', async () => {
    expect((await ask(server.tokenOf(PROMETHEUS))).status).toBe(200);
  });

  it('let Prometheus read nothing else, and nobody else read metrics', async () => {
    expect((await ask(server.tokenOf(PROMETHEUS), REVIEWER, '/other')).status).toBe(403);
    expect((await ask(server.tokenOf(OTHER))).status).toBe(403);
    expect((await ask('forged')).status).toBe(401);
  });

  it('are needed: the role of the base alone lets the daemon not ask, and that is said', async () => {
    const { status, lines } = await ask(server.tokenOf(PROMETHEUS), { ...DAEMON });
    expect(status).toBe(503);
    expect(lines).toHaveLength(1);
    expect(lines[0]?.message).toContain('tokenreviews');
  });
});

describe('a review of the fake API server', () => {
  it('has to be about one thing, and about somebody', async () => {
    const review = { apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview' };
    const create = (spec: object) =>
      apiOf(REVIEWER).create(REVIEWS, { ...review, spec }, AbortSignal.timeout(30_000));
    await expect(create({ user: 'x' })).rejects.toThrow('exactly one of');
    const nonResourceAttributes = { path: '/metrics', verb: 'get' };
    await expect(create({ nonResourceAttributes })).rejects.toThrow(
      'at least one of user or group',
    );
  });
});
