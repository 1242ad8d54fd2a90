/**
 * Watches what becomes of addresses while controllers come and go: what must never be seen, not
 * even for a moment.
 */
import type { FakeApiServer, KubernetesObject } from '../../../lab/kubernetes/api.ts';
import { keyOf } from '../../../lab/kubernetes/object.ts';
import { isAlive, written } from './oracle.ts';

const ADDRESS_KEY = /^(.*)\.kubernetes\.io\/ip_address$/;

/** What one NIC of a pod was told. */
interface Told {
  readonly uid: string;
  readonly nic: string;
  readonly address: string;
}

export class AddressRecorder implements Disposable {
  /** What was seen that must not be. */
  readonly crimes: string[] = [];
  readonly #api: FakeApiServer;
  readonly #stop: readonly (() => void)[];
  /** By UID of a pod and provider. */
  readonly #told = new Map<string, Told>();
  /** Who was told an address last, by Subnet and address. */
  readonly #holders = new Map<string, Told>();
  /** Names of IP objects by Subnet and address. */
  readonly #recorded = new Map<string, string>();

  /** Begins to watch; what pods say now is as it ought to be. */
  constructor(api: FakeApiServer) {
    this.#api = api;
    for (const pod of api.list('Pod')) this.#seePod(pod);
    for (const ip of api.list('IP')) this.#seeIp(ip);
    this.#stop = [
      api.onChange('Pod', (pod) => pod && this.#seePod(pod)),
      api.onChange('IP', (ip) => ip && this.#seeIp(ip)),
    ];
  }

  [Symbol.dispose](): void {
    for (const stop of this.#stop) stop();
  }

  #seePod(pod: KubernetesObject): void {
    if (!isAlive(pod)) return;
    for (const [key, address] of Object.entries(pod.metadata.annotations ?? {})) {
      const provider = ADDRESS_KEY.exec(key)?.[1];
      const isPublished = provider !== undefined && written(pod, provider, 'allocated') === 'true';
      if (isPublished) this.#seeAddress(pod, provider, address);
    }
  }

  #seeAddress(pod: KubernetesObject, provider: string, address: string): void {
    const { uid = '' } = pod.metadata;
    const nic = `${keyOf(pod.metadata)}, ${provider}`;
    const before = this.#told.get(`${uid} ${provider}`);
    if (before?.address === address) return;
    if (before !== undefined) {
      this.crimes.push(`${nic}: moved from ${before.address} to ${address}`);
    }
    const told = { uid, nic, address };
    this.#told.set(`${uid} ${provider}`, told);
    for (const part of address.split(',')) {
      const place = `${written(pod, provider, 'cidr')} ${part}`;
      const other = this.#holders.get(place);
      if (other !== undefined && other.nic !== nic && this.#stillHas(other, part)) {
        this.crimes.push(`${nic}: has ${part}, which ${other.nic} has`);
      }
      this.#holders.set(place, told);
    }
  }

  #stillHas({ uid, nic }: Told, part: string): boolean {
    const [, provider = ''] = nic.split(', ');
    const pod = this.#api.list('Pod').find(({ metadata }) => metadata.uid === uid);
    if (pod === undefined || !isAlive(pod)) return false;
    return written(pod, provider, 'ip_address').split(',').includes(part);
  }

  #seeIp({ metadata, spec = {} }: KubernetesObject): void {
    for (const address of [spec.v4IpAddress, spec.v6IpAddress]) {
      if (!address) continue;
      const place = `${spec.subnet} ${address}`;
      const other = this.#recorded.get(place);
      if (other !== undefined && other !== metadata.name && this.#stillRecorded(other, address)) {
        this.crimes.push(`IP ${metadata.name} has ${place}, which IP ${other} has`);
      }
      this.#recorded.set(place, metadata.name);
    }
  }

  #stillRecorded(name: string, address: unknown): boolean {
    const ip = this.#api.list('IP').find(({ metadata }) => metadata.name === name);
    return ip?.spec?.v4IpAddress === address || ip?.spec?.v6IpAddress === address;
  }
}
