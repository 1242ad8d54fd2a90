/**
 * The daemon's socket: whatever is asked, there is an answer that executables can read, the daemon
 * lives on, and no command line holds what its grammar has no place for.
 */
import * as fc from 'fast-check';
import pino from 'pino';
import { buildApp } from '../../../src/daemon/app.ts';
import { FakeNode } from '../fake-node.ts';
import { checkAnswer } from '../oracles/daemon-answer.ts';
import { must } from '../oracles/types.ts';
import { target } from '../target.ts';
import { httpRequest } from '../values/bodies.ts';
import { annotationsOf, rawNode, rawSubnet, row, type Texts } from '../values/objects.ts';
import { PROVIDERS } from '../values/texts.ts';

/** More is somebody's input, and fills a disk; bytes. */
const LOG_LINE_BYTES_MAX = 16_384;
/** The members that say a right path. */
const NETNS = /"net_ns":"\/[\w/-]+"/g;
const VERB = /^\/api\/v1\/(add|del|check|gc|status)$/;

const nodeState = fc.record({
  annotations: fc
    .tuple(...PROVIDERS.map((provider) => annotationsOf(provider, 'net1')))
    .map((all): Texts => Object.assign({}, ...all)),
  subnet: rawSubnet,
  node: rawNode,
  rows: fc.array(row, { maxLength: 2 }),
});

export const bodies = target('bodies', 7_000, async () => {
  const lines: string[] = [];
  const logger = pino({ base: null }, { write: (line) => void lines.push(line) });
  const node = await FakeNode.start(logger);
  const app = buildApp(node.parts, logger);
  await app.ready();
  return {
    cases: fc.record({ request: httpRequest, nodeState, isLive: fc.boolean() }),
    check: async ({ request, nodeState: around, isLive }) => {
      const { method, url, contentType, body } = request;
      node.set(around);
      const response = await app.inject({
        method: method as 'POST',
        url,
        headers: contentType === undefined ? {} : { 'content-type': contentType },
        // A sandbox that is there, where this user could make one.
        payload: isLive ? body.replace(NETNS, `"net_ns":"${node.netns ?? '/run'}"`) : body,
      });
      node.checkDone();
      for (const line of lines.splice(0)) checkLogLine(line);
      const outcome = checkAnswer({
        status: response.statusCode,
        contentType: String(response.headers['content-type'] ?? ''),
        body: response.body,
      });
      return `${VERB.exec(url)?.[1] ?? 'other'} ${outcome}`;
    },
    [Symbol.asyncDispose]: async () => {
      await app.close();
      await node[Symbol.asyncDispose]();
    },
  };
});

function checkLogLine(line: string): void {
  must(line.endsWith('\n') && !line.slice(0, -1).includes('\n'), 'a log line is one', line);
  must(line.length <= LOG_LINE_BYTES_MAX, 'a log line is short', line.length);
  JSON.parse(line);
}
