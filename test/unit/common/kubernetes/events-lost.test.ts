import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { KubeConfig } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import { KubernetesApi } from '../../../../src/common/kubernetes/api.ts';
import { EventRecorder } from '../../../../src/common/kubernetes/events.ts';
import { EVENTS, FAILED, LIMITS, messages, REPORTER, setUp, WEB } from './events-support.ts';
import { RecordingLog } from './support.ts';

describe('events that cannot be written', () => {
  it('are lost while the server is away, with one line, and later ones are not', async () => {
    await using all = await setUp();
    all.say('before');
    await all.recorder.idle;
    await all.server.close();
    for (const message of ['before', ...messages(50)]) all.say(message);
    await all.recorder.idle;
    expect(all.log.levels).toEqual(['warn']);
    expect(all.log.lines[0]?.fields.reason).toContain('Unreachable');
    await all.server.start();
    all.say('after');
    all.say('before');
    await all.recorder.idle;
    expect(all.said()).toEqual(['after', 'before']);
    expect(all.log.levels).toEqual(['warn', 'info']);
  });

  it('are lost while the server fails, with one line', async () => {
    await using all = await setUp();
    all.server.faults.failNext(20, 503);
    for (const message of messages(21)) all.say(message);
    await all.recorder.idle;
    expect(all.said()).toEqual(['message 20']);
    expect(all.log.levels).toEqual(['warn', 'info']);
    expect(all.log.lines[0]?.fields.reason).toContain(`create ${EVENTS}: 503 ServiceUnavailable`);
  });

  it('are lost without the permission to create them: the line says what to grant', async () => {
    await using all = await setUp();
    all.server.faults.failNext(20, 403);
    for (const message of messages(21)) all.say(message);
    await all.recorder.idle;
    expect(all.said()).toEqual(['message 20']);
    expect(all.log.levels).toEqual(['warn', 'info']);
    expect(all.log.lines[0]?.message).toContain('verbs create and patch on events');
    expect(all.log.lines[0]?.fields).toMatchObject({ verb: 'create' });
    expect(all.log.lines[0]?.fields.reason).toContain('403 Forbidden');
  });

  it('are not told one by one where only repetitions are forbidden', async () => {
    await using all = await setUp();
    all.server.faults.failNext(20, 403, { verb: 'patch' });
    for (const message of messages(20)) {
      all.say(message);
      all.say(message);
      await all.recorder.idle;
    }
    expect(all.log.levels).toEqual(['warn']);
    expect(all.log.lines[0]?.fields).toMatchObject({ verb: 'patch' });
  });
});

/** A recorder whose API server has this one answer, as a Status object. */
async function setUpAnswer(code: number, reason: string, message: string) {
  const status = JSON.stringify({ kind: 'Status', apiVersion: 'v1', code, reason, message });
  const server = createServer((_, response) => response.writeHead(code).end(status));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const config = new KubeConfig();
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  config.loadFromClusterAndUser({ name: 'c', server: url, skipTLSVerify: true }, { name: 'u' });
  const api = new KubernetesApi(config);
  const log = new RecordingLog();
  const dispose = () => {
    api.destroy();
    server.close();
  };
  const recorder = new EventRecorder({ api, reporter: REPORTER, limits: LIMITS, log });
  return { recorder, log, [Symbol.dispose]: dispose };
}

describe('an event that the API server refuses', () => {
  it.each([
    ['is gone', 404, 'NotFound', 'namespaces "shop" not found'],
    [
      'is being terminated',
      403,
      'Forbidden',
      'events "web-0.0123456789abcdef" is forbidden: unable to create new content in namespace shop because it is being terminated',
    ],
  ])('since its namespace %s is given up quietly', async (_, code, reason, message) => {
    using all = await setUpAnswer(code, reason, message);
    all.recorder.record(WEB, FAILED);
    await all.recorder.idle;
    expect(all.log.lines).toEqual([]);
  });

  it.each([
    ['another 404', 404, 'NotFound', 'the server could not find the requested resource'],
    [
      'the 403 of RBAC',
      403,
      'Forbidden',
      'events is forbidden: User "system:serviceaccount:kube-system:ovn" cannot create resource "events" in API group "" in the namespace "shop"',
    ],
  ])('with %s is told', async (_, code, reason, message) => {
    using all = await setUpAnswer(code, reason, message);
    all.recorder.record(WEB, FAILED);
    await all.recorder.idle;
    expect(all.log.levels).toEqual(['warn']);
    expect(all.log.lines[0]?.fields.reason).toContain(message);
  });
});
