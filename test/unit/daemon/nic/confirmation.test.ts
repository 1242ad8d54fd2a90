import { describe, expect, it } from 'vitest';
import { Condition } from '../../../../src/common/concurrency/condition.ts';
import { startDeadline } from '../../../../src/common/concurrency/deadline.ts';
import { KubernetesError } from '../../../../src/common/kubernetes/api.ts';
import { type Ip, projectIp } from '../../../../src/daemon/model/ip.ts';
import { type Pod, projectPod } from '../../../../src/daemon/model/pod.ts';
import { projectSubnet, type Subnet } from '../../../../src/daemon/model/subnet.ts';
import type { Allocation } from '../../../../src/daemon/nic/allocation.ts';
import {
  type ConfirmationParts,
  type Confirmed,
  withConfirmed,
} from '../../../../src/daemon/nic/confirmation.ts';
import { NicRecords, type NicRecordsOptions } from '../../../../src/daemon/nic/records.ts';
import { PrimaryNetwork } from '../../../../src/daemon/node/primary-network.ts';
import { attachmentOf, rejectionOf } from '../support.ts';

const PROVIDER = 'm.default';
const NAME = `web-0.shop.${PROVIDER}`;
const PATH = `/apis/kubeovn.io/v1/ips/${NAME}`;

/** The part of a WatchCache that an ADD uses, changed by the test. */
class Followed<T> {
  readonly synced = Promise.resolve();
  readonly #objects = new Map<string, T>();
  readonly #condition = new Condition();

  set(key: string, value: T): void {
    this.#objects.set(key, value);
    this.#condition.check();
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  values(): IterableIterator<T> {
    return this.#objects.values();
  }

  until<R>(evaluate: () => R | undefined, signal: AbortSignal): Promise<R> {
    return this.#condition.until(evaluate, signal);
  }
}

const rawIp = (ipAddress: string) => ({
  metadata: { name: NAME },
  spec: { podName: 'web-0', namespace: 'shop', subnet: 'm', ipAddress },
});

function refusal(status: number): KubernetesError {
  const fields = { status, reason: 'x', verb: 'get', path: PATH } as const;
  return new KubernetesError(fields, '');
}

/** A cluster in which pod shop/web-0 says that it has an address of network m. */
function setUp(read: () => Promise<unknown>) {
  const [pods, ips, subnets] = [new Followed<Pod>(), new Followed<Ip>(), new Followed<Subnet>()];
  const reads: string[] = [];
  const get = (path: string) => {
    reads.push(path);
    return read();
  };
  const records = new NicRecords({ api: { get }, pods, ips } as unknown as NicRecordsOptions);
  const primary = new PrimaryNetwork({ isPrimary: true, configFolder: '/none' });
  const parts = { pods, ips, subnets, records, primary, deletedPods: { has: () => false } };
  const annotate = (address: string) => {
    const values = { allocated: 'true', ip_address: address, cidr: '10.1.0.0/16' };
    const annotations = Object.fromEntries(
      Object.entries(values).map(([key, value]) => [`${PROVIDER}.kubernetes.io/${key}`, value]),
    );
    pods.set(
      'shop/web-0',
      projectPod({ metadata: { namespace: 'shop', name: 'web-0', uid: 'uid-1', annotations } }),
    );
  };
  subnets.set('m', projectSubnet({ metadata: { name: 'm' }, spec: { provider: PROVIDER } }));
  annotate('10.1.0.5');
  const run = async <T>(
    use: (allocation: Allocation, confirmation: Promise<Confirmed>) => Promise<T>,
    timeoutMs = 20_000,
  ) => {
    using deadline = startDeadline(timeoutMs);
    const attachment = attachmentOf({ provider: PROVIDER, ifName: 'net1', ipamOnly: true });
    return await withConfirmed(attachment, parts as unknown as ConfirmationParts, deadline, use);
  };
  return { ips, reads, annotate, run };
}

/** What is used: the address, once it is confirmed. */
const addressOf = async ({ nic }: Allocation, confirmation: Promise<Confirmed>) => {
  await confirmation;
  return nic.addresses[0]?.address.text;
};

describe('an allocation', () => {
  it('is confirmed by the object that is followed, and nothing is read', async () => {
    const { ips, reads, run } = setUp(() => Promise.reject(refusal(500)));
    ips.set(NAME, projectIp(rawIp('10.1.0.5')));
    expect(await run(addressOf)).toBe('10.1.0.5');
    expect(reads).toEqual([]);
  });

  it('is confirmed by the object that is read, where what is followed is out of date', async () => {
    const { ips, reads, run } = setUp(async () => rawIp('10.1.0.5'));
    ips.set(NAME, projectIp(rawIp('10.1.0.4')));
    expect(await run(addressOf)).toBe('10.1.0.5');
    expect(reads).toEqual([PATH]);
  });

  it('is confirmed by an object that comes later, without an event', async () => {
    let attempts = 0;
    const { run } = setUp(async () => {
      attempts += 1;
      if (attempts < 3) throw refusal(404);
      return rawIp('10.1.0.5');
    });
    expect(await run(addressOf)).toBe('10.1.0.5');
    expect(attempts).toBe(3);
  });

  it('is confirmed by an event, whatever the next read would say', async () => {
    const { ips, run } = setUp(() => Promise.reject(refusal(404)));
    const address = run(async (allocation, confirmation) => {
      confirmation.catch(() => ips.set(NAME, projectIp(rawIp('10.1.0.5'))));
      return await addressOf(allocation, confirmation);
    });
    expect(await address).toBe('10.1.0.5');
  });

  it('is what the annotations say once they were corrected', async () => {
    const { annotate, run } = setUp(async () => rawIp('10.1.0.6'));
    const used: (string | undefined)[] = [];
    await run(async (allocation, confirmation) => {
      used.push(allocation.nic.addresses[0]?.address.text);
      confirmation.catch(() => annotate('10.1.0.6'));
      await confirmation;
    });
    expect(used).toEqual(['10.1.0.5', '10.1.0.6']);
  });

  it('is used again only when it is confirmed, and what failed otherwise is not tried again', async () => {
    const { run } = setUp(async () => rawIp('10.1.0.5'));
    const failure = new Error('the kernel refuses');
    await expect(run(() => Promise.reject(failure))).rejects.toBe(failure);
  });
});

describe('an API server that does not answer', () => {
  it('does not hold up whoever makes the NIC meanwhile', async () => {
    const answer = Promise.withResolvers<unknown>();
    const { reads, run } = setUp(() => answer.promise);
    let uses = 0;
    const address = run(async (allocation, confirmation) => {
      uses += 1;
      // It gives its place up, and the answer comes after that.
      confirmation.catch(() => answer.resolve(rawIp('10.1.0.5')));
      return await addressOf(allocation, confirmation);
    });
    expect(await address).toBe('10.1.0.5');
    expect({ uses, reads: reads.length }).toEqual({ uses: 2, reads: 2 });
  });
});

describe('an API server that no longer answers', () => {
  it('has said before that the annotations are right: the address is used again', async () => {
    const answers: (() => Promise<unknown>)[] = [async () => rawIp('10.1.0.5')];
    const { run } = setUp(() => (answers.shift() ?? (() => Promise.reject(refusal(503))))());
    expect(await run(addressOf)).toBe('10.1.0.5');
    expect(await run(addressOf)).toBe('10.1.0.5');
  });

  it('has said nothing of other annotations', async () => {
    const answers: (() => Promise<unknown>)[] = [async () => rawIp('10.1.0.5')];
    const { annotate, run } = setUp(() =>
      (answers.shift() ?? (() => Promise.reject(refusal(503))))(),
    );
    await run(addressOf);
    annotate('10.1.0.6');
    const { message } = await rejectionOf(run(addressOf, 300));
    expect(message).toContain('says 10.1.0.5, not 10.1.0.6');
  });
});

describe('when the deadline passes, the error says', () => {
  it.each([
    ['that there is no object', refusal(404), `IP object ${NAME} does not exist`, 'copied from'],
    ['what the role lacks', refusal(403), '403', 'verb get for ips.kubeovn.io'],
    ['that the API server fails', refusal(503), '503', 'reaches the API server'],
  ])('%s', async (_, error, message, details) => {
    const { run } = setUp(() => Promise.reject(error));
    const thrown = await rejectionOf(run(addressOf, 300));
    expect(thrown.code).toBe(11);
    expect(thrown.message).toContain(
      `IP object ${NAME} to confirm 10.1.0.5, as the annotations of pod shop/web-0 have it for network ${PROVIDER}`,
    );
    expect(thrown.message).toContain(message);
    expect(thrown.details).toContain(details);
  });

  it('what the object says instead', async () => {
    const { run } = setUp(async () => rawIp('10.1.0.9'));
    const thrown = await rejectionOf(run(addressOf, 300));
    expect(thrown.message).toContain(`IP object ${NAME} says 10.1.0.9, not 10.1.0.5`);
  });

  it('what the last answer was, where the deadline passes during the next read', async () => {
    const answers: (() => Promise<unknown>)[] = [async () => rawIp('10.1.0.9')];
    const { run, reads } = setUp(() => (answers.shift() ?? (() => new Promise(() => {})))());
    const thrown = await rejectionOf(run(addressOf, 1000));
    expect(thrown.message).toContain(`IP object ${NAME} says 10.1.0.9, not 10.1.0.5`);
    expect(reads.length).toBeGreaterThan(1);
  });
});
