import { describe, expect, it } from 'vitest';
import { projectSubnet } from '../../../../src/daemon/model/subnet.ts';
import { type StatusParts, status } from '../../../../src/daemon/verbs/status.ts';
import { expectReadable, HOSTILE_TEXTS, rejectionOf } from '../support.ts';

const PROVIDER = 'macvlan.default';
/** Of a plugin that makes the interface itself: OVS, which is not here, is not asked. */
const DELEGATE = { cni_type: 'macvlan', provider: PROVIDER };

const heard = { isSynced: true, msSinceContact: 60_000 };
const silent = { isSynced: true, msSinceContact: 180_001 };
const empty = { isSynced: false, msSinceContact: Number.POSITIVE_INFINITY };

function subnet(name: string, v4availableIPs: number, provider = PROVIDER) {
  const spec = { provider, cidrBlock: '10.1.0.0/16' };
  return projectSubnet({ metadata: { name }, spec, status: { v4availableIPs } });
}

/** What STATUS reads for a delegate. */
function context(pods: object, subnets: object, all = [subnet('free', 9)]): StatusParts {
  return { pods, subnets: { ...subnets, values: () => all.values() } } as unknown as StatusParts;
}

describe('STATUS for a delegate', () => {
  it('is fine with an API server that was heard of a minute ago', async () => {
    await expect(status(DELEGATE, context(heard, heard))).resolves.toBeUndefined();
    const latest = { isSynced: true, msSinceContact: 180_000 };
    await expect(status(DELEGATE, context(latest, latest))).resolves.toBeUndefined();
  });

  it.each([
    [silent, heard, ['about pods for more than 180 s']],
    [heard, silent, ['about Subnets for more than 180 s']],
    [silent, silent, ['about pods for more', 'about Subnets for more']],
    [empty, heard, ['the first list of pods has not come']],
    [silent, empty, ['about pods for more', 'the first list of Subnets has not come']],
  ])('names all that is missing: pods %j, Subnets %j', async (pods, subnets, says) => {
    const failure = await rejectionOf(status(DELEGATE, context(pods, subnets)));
    expect(failure.code).toBe(50);
    for (const part of says) expect(failure.message).toContain(part);
    expect(failure.message.split('; ')).toHaveLength(says.length);
    expectReadable(failure);
  });

  it('says the same again for as long as nothing changes', async () => {
    const later = { ...silent, msSinceContact: 999_999 };
    const messages = await Promise.all(
      [silent, later].map((pods) => rejectionOf(status(DELEGATE, context(pods, heard)))),
    );
    expect(messages[0]?.message).toBe(messages[1]?.message);
  });
});

describe('STATUS of a network without addresses', () => {
  it.each([
    ['its only Subnet', [subnet('a', 0)], 'in Subnet a'],
    [
      'all of its Subnets',
      [subnet('b', 0), subnet('a', 0), subnet('x', 1, 'o')],
      'in Subnet a, Subnet b',
    ],
  ])('is 51, where they are gone in %s', async (_what, all, says) => {
    const failure = await rejectionOf(status(DELEGATE, context(heard, heard, all)));
    expect(failure.code).toBe(51);
    expect(failure.message).toContain(says);
    expectReadable(failure);
  });

  it.each([
    ['another one has some', [subnet('a', 0), subnet('b', 1)]],
    ['they are of another network', [subnet('a', 0, `${PROVIDER}.net1`), subnet('b', 0, 'ovn')]],
    ['there is no Subnet', []],
  ])('is fine where %s', async (_what, all) => {
    await expect(status(DELEGATE, context(heard, heard, all))).resolves.toBeUndefined();
  });

  it('is 50 where nothing is known of the API server either', async () => {
    const failure = await rejectionOf(status(DELEGATE, context(silent, heard, [subnet('a', 0)])));
    expect(failure.code).toBe(50);
  });

  it.each(HOSTILE_TEXTS)('is readable with provider %j', async (provider) => {
    const request = { ...DELEGATE, provider };
    const all = [subnet('a', 0, provider)];
    expectReadable(await rejectionOf(status(request, context(heard, heard, all))));
    expectReadable(await rejectionOf(status(request, context(silent, heard, all))));
  });
});
