/** Order by arrival; that of real namespaces by their birth is in test/node/newer-sandbox.test.ts. */
import { describe, expect, it } from 'vitest';
import { type Deadline, startDeadline } from '../../../../src/common/concurrency/deadline.ts';
import type { LiveAttachment } from '../../../../src/daemon/model/attachment.ts';
import {
  isNewer,
  SandboxOwnership,
  superseded,
} from '../../../../src/daemon/ownership/sandbox-ownership.ts';
import { attachmentOf, sizeOfPrivate } from '../support.ts';

/** A sandbox whose namespace has no birth: each look in /proc makes the file anew. */
const sandbox = (containerId: string, changes: Partial<LiveAttachment> = {}) =>
  attachmentOf({ containerId, netns: `/proc/${process.pid}/ns/net`, ...changes });

/** An ADD that entered. */
function enter(ownership: SandboxOwnership, attachment: LiveAttachment) {
  const deadline = startDeadline(60_000);
  const claim = ownership.enter(attachment, deadline);
  return {
    deadline,
    leave() {
      claim[Symbol.dispose]();
      deadline[Symbol.dispose]();
    },
  };
}

const reasonOf = ({ signal }: Deadline): unknown => signal.reason;

describe('the ADD of another sandbox of the pod', () => {
  it('ends the ones before it with code 102, where nothing tells which is newer', () => {
    const ownership = new SandboxOwnership();
    const adds = ['first', 'second', 'third'].map((id) => enter(ownership, sandbox(id)));
    const [first, second, third] = adds.map(({ deadline }) => deadline);
    const reason = first && reasonOf(first);
    expect(reason).toMatchObject({ code: 102 });
    expect(String(reason)).toContain('a newer sandbox, second, of pod shop/web-0');
    expect(second && String(reasonOf(second))).toContain('third');
    expect(third?.signal.aborted).toBe(false);
    for (const { leave } of adds) leave();
  });

  it('ends none that has left', () => {
    const ownership = new SandboxOwnership();
    const first = enter(ownership, sandbox('first'));
    first.leave();
    enter(ownership, sandbox('second')).leave();
    expect(first.deadline.signal.aborted).toBe(false);
  });

  it('leaves nothing behind when all have left', async () => {
    const ownership = new SandboxOwnership();
    const adds = [
      enter(ownership, sandbox('first')),
      enter(ownership, sandbox('first')),
      enter(ownership, sandbox('second')),
      enter(ownership, sandbox('second', { ifName: 'net1' })),
    ];
    expect(await sizeOfPrivate(ownership, '#claims')).toBe(2);
    for (const { leave } of adds) leave();
    expect(await sizeOfPrivate(ownership, '#claims')).toBe(0);
  });
});

describe('an ADD is left alone by that of', () => {
  it.each([
    ['the same sandbox', sandbox('first')],
    ['another interface', sandbox('second', { ifName: 'net1' })],
    ['another network', sandbox('second', { provider: 'attachnet.default.ovn' })],
    ['another pod', sandbox('second', { pod: { namespace: 'shop', name: 'web-1' } })],
    ['the pod of another namespace', sandbox('second', { pod: { namespace: 'a', name: 'web-0' } })],
  ])('%s', (_, other) => {
    const ownership = new SandboxOwnership();
    const adds = [sandbox('first'), other].map((each) => enter(ownership, each));
    for (const { deadline, leave } of adds) {
      expect(deadline.signal.aborted).toBe(false);
      leave();
    }
  });
});

describe('nothing tells which of two sandboxes is newer', () => {
  it.each([
    ['in /proc', `/proc/${process.pid}/ns/net`, '/proc/1/ns/net'],
    ['where nothing is', '/nosuch/a', '/nosuch/b'],
    ['for what can be no path', `/${'a'.repeat(65_536)}`, 'a\0b'],
    ['for a file that no namespace is mounted on', import.meta.filename, '/etc/hostname'],
  ])('%s', (_, one, other) => {
    expect([isNewer(one, other), isNewer(other, one)]).toEqual([false, false]);
  });
});

describe('the error of an older sandbox', () => {
  it('names the newer one where it is known', () => {
    expect(superseded(sandbox('a'), 'c1').message).toBe(
      'a newer sandbox, c1, of pod shop/web-0 has this interface',
    );
    expect(superseded(sandbox('a'), undefined).message).toBe(
      'a newer sandbox of pod shop/web-0 has this interface',
    );
  });
});
