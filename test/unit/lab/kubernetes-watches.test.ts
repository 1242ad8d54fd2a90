import { describe, expect, it } from 'vitest';
import { Client, PODS, pod } from './support.ts';

/** The version as of now. */
async function versionOf(client: Client): Promise<string> {
  const { body } = await client.send('GET', PODS);
  return body.metadata.resourceVersion ?? '';
}

describe('a watch', () => {
  it.each(['', '0'])('from version "%s" begins with all there is', async (resourceVersion) => {
    await using client = await Client.start();
    client.server.create(pod('a'));
    client.server.create(pod('b'));
    const watch = await client.watch(PODS, { resourceVersion });
    client.server.create(pod('c'));
    expect(await watch.take(3)).toEqual(['ADDED a', 'ADDED b', 'ADDED c']);
  });

  it('from a version begins with what happened since', async () => {
    await using client = await Client.start();
    client.server.create(pod('a'));
    const resourceVersion = await versionOf(client);
    client.server.patch('Pod', 'default/a', { metadata: { labels: { a: 'b' } } });
    client.server.delete('Pod', 'default/a');
    client.server.create(pod('a'));
    const watch = await client.watch(PODS, { resourceVersion });
    expect(await watch.take(3)).toEqual(['MODIFIED a', 'DELETED a', 'ADDED a']);
  });

  it('shows nothing of other kinds, namespaces and objects', async () => {
    await using client = await Client.start();
    const watch = await client.watch(PODS, { fieldSelector: 'metadata.name=b' });
    client.server.create({ kind: 'Node', metadata: { name: 'b' } });
    client.server.create({ kind: 'Pod', metadata: { name: 'b', namespace: 'other' } });
    client.server.create(pod('a'));
    client.server.create(pod('b'));
    const event = await watch.next();
    expect(event?.object).toMatchObject({
      kind: 'Pod',
      metadata: { name: 'b', namespace: 'default' },
    });
  });

  it('adds what enters the selection and deletes what leaves it', async () => {
    await using client = await Client.start();
    client.server.create(pod('a'));
    const resourceVersion = await versionOf(client);
    const watch = await client.watch('/api/v1/pods', {
      resourceVersion,
      fieldSelector: 'spec.nodeName=node-1',
    });
    client.server.patch('Pod', 'default/a', { metadata: { labels: { seen: 'no' } } });
    client.server.patch('Pod', 'default/a', { spec: { nodeName: 'node-1' } });
    client.server.patch('Pod', 'default/a', { metadata: { labels: { seen: 'yes' } } });
    client.server.patch('Pod', 'default/a', { spec: { nodeName: 'node-2' } });
    expect(await watch.take(2)).toEqual(['ADDED a', 'MODIFIED a']);
    const left = await watch.next();
    // The last state that was selected, under the version of the change that ended it.
    expect(left).toMatchObject({ type: 'DELETED', object: { spec: { nodeName: 'node-1' } } });
    expect(left?.object.metadata.resourceVersion).toBe(await versionOf(client));
  });

  it('marks, then deletes a pod on a node', async () => {
    await using client = await Client.start();
    client.server.create(pod('a', { nodeName: 'node-1' }));
    const watch = await client.watch(PODS);
    client.server.delete('Pod', 'default/a');
    client.server.finishDeletion('default/a');
    expect(await watch.take(3)).toEqual(['ADDED a', 'MODIFIED a', 'DELETED a']);
  });

  it('from a forgotten version ends with an error', async () => {
    await using client = await Client.start();
    const resourceVersion = await versionOf(client);
    client.server.create(pod('a'));
    client.server.compact();
    const watch = await client.watch(PODS, { resourceVersion });
    const event = await watch.next();
    expect(event).toMatchObject({
      type: 'ERROR',
      object: { kind: 'Status', code: 410, reason: 'Expired' },
    });
    expect(await watch.next()).toBeUndefined();
  });

  it('goes on from the latest version of a forgotten history', async () => {
    await using client = await Client.start();
    client.server.create(pod('a'));
    client.server.compact();
    const watch = await client.watch(PODS, { resourceVersion: await versionOf(client) });
    client.server.create(pod('b'));
    expect(await watch.take(1)).toEqual(['ADDED b']);
  });

  it('gets bookmarks only where it asked for them', async () => {
    await using client = await Client.start();
    const resourceVersion = await versionOf(client);
    const asked = await client.watch(PODS, { resourceVersion, allowWatchBookmarks: 'true' });
    const other = await client.watch(PODS, { resourceVersion });
    client.server.create({ kind: 'Node', metadata: { name: 'node-1' } });
    client.server.watches.sendBookmarks();
    client.server.create(pod('a'));
    const bookmark = await asked.next();
    expect(bookmark).toMatchObject({ type: 'BOOKMARK', object: { kind: 'Pod' } });
    expect(Number(bookmark?.object.metadata.resourceVersion)).toBe(Number(resourceVersion) + 1);
    expect(await other.take(1)).toEqual(['ADDED a']);
  });

  it('ends after timeoutSeconds, with a last bookmark', async () => {
    await using client = await Client.start();
    const watch = await client.watch(PODS, { timeoutSeconds: '1', allowWatchBookmarks: 'true' });
    expect((await watch.next())?.type).toBe('BOOKMARK');
    expect(await watch.next()).toBeUndefined();
    await client.server.watches.waitForCount(0);
  });

  it('from a version that is no number is refused', async () => {
    await using client = await Client.start();
    expect((await client.send('GET', `${PODS}?watch=true&resourceVersion=x`)).code).toBe(400);
  });
});
