/**
 * The IP object of a NIC learns which node the NIC is on. It is bookkeeping: the pod does not
 * wait for it, and a failure is logged.
 *
 * Kube-OVN's charts grant the node daemon get and update of IP objects, not patch: the object is
 * read and replaced.
 */
import { isConflict, type KubernetesApi, KubernetesError } from '../../common/kubernetes/api.ts';
import { KINDS, objectPath } from '../../common/kubernetes/path.ts';
import type { Logger } from '../../common/log.ts';
import { isDnsName } from '../../common/names.ts';
import { Outage } from '../../common/outage.ts';
import { messageOf } from '../../common/text.ts';
import { IP_NODE_LABEL, type Ip, projectIp } from '../model/ip.ts';
import type { Allocation } from './allocation.ts';

const TIMEOUT_MS = 30_000;
/** The controller alone writes the object, too, and not for long. */
const ATTEMPTS_MAX = 5;
/** Kubernetes' limit for the values of labels and the names in their keys; a longer one is left out. */
const LABEL_MAX = 63;

/** For all IP objects together: one line says that they cannot be written, however many ADDs follow. */
export function createIpOutage(log: Logger): Outage {
  return new Outage(log, {
    fields: {},
    lost: 'IP objects do not learn their node: they cannot be written to the API server; unless the reason says otherwise, grant the cluster role of this service account the verbs get and update on ips',
    back: 'IP objects are written again',
  });
}

/** What the writing of IP objects uses. */
export interface IpObjectParts {
  readonly api: KubernetesApi;
  readonly nodeName: string;
  /** IP objects cannot be written. */
  readonly ipOutage: Outage;
  readonly log: Logger;
}

/** @param name the object's, which is the logical switch port's */
export async function recordNode(
  { nic, pod }: Allocation,
  name: string,
  { api, nodeName, ipOutage, log }: IpObjectParts,
): Promise<void> {
  if (nic.addresses.length === 0) return;
  const path = objectPath(KINDS.ips, name);
  try {
    await write(path, { nodeName, workload: nic.workload, namespace: pod.namespace }, api);
    ipOutage.end(performance.now());
  } catch (error) {
    if (isAboutObject(error)) {
      log.warn({ ip: name, reason: messageOf(error) }, 'cannot write the node into the IP object');
      return;
    }
    ipOutage.begin(messageOf(error));
  }
}

/** What is wrong with one object, and not with all that are written. */
function isAboutObject(error: unknown): boolean {
  return error instanceof KubernetesError && [400, 404, 409, 422].includes(error.status);
}

/** Where a NIC is, and whose it is. */
interface Place {
  readonly nodeName: string;
  /** The pod's name, or the KubeVirt VM's. */
  readonly workload: string;
  readonly namespace: string;
}

/** @throws KubernetesError; with status 409 when somebody else wrote the object each time */
async function write(path: string, place: Place, api: KubernetesApi): Promise<void> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  for (let attempt = 1; ; attempt += 1) {
    const object = await api.get(path, {}, signal);
    // It may have gone, and come back for another NIC of the same name.
    if (!isOf(projectIp(object), place)) return;
    const changed = withNode(object, place.nodeName);
    if (changed === undefined) return;
    try {
      await api.replace(path, changed, signal);
      return;
    } catch (error) {
      if (!isConflict(error) || attempt === ATTEMPTS_MAX) throw error;
    }
  }
}

function isOf({ podName, namespace, deleting }: Ip, place: Place): boolean {
  return !deleting && podName === place.workload && namespace === place.namespace;
}

/**
 * The object with its node, and the label of its Subnet, as Kube-OVN's daemon writes it; undefined
 * where it says so already. The Subnet is the object's own word: that of a pod's annotations would let
 * the pod's author choose the key of a label.
 */
function withNode(object: unknown, nodeName: string): object | undefined {
  const { metadata, spec, ...rest } = (object ?? {}) as {
    metadata?: { labels?: Readonly<Record<string, string>> };
    spec?: { nodeName?: unknown };
  };
  const { subnet } = projectIp(object);
  const wanted: Readonly<Record<string, string>> = {
    ...(nodeName.length <= LABEL_MAX ? { [IP_NODE_LABEL]: nodeName } : {}),
    ...(isDnsName(subnet) && subnet.length <= LABEL_MAX ? { [subnet]: '' } : {}),
  };
  const labels = { ...metadata?.labels };
  const isSame = Object.entries(wanted).every(([key, value]) => labels[key] === value);
  if (isSame && spec?.nodeName === nodeName) return undefined;
  return {
    ...rest,
    metadata: { ...metadata, labels: { ...labels, ...wanted } },
    spec: { ...spec, nodeName },
  };
}
