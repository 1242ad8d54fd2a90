/** Requests of the contract's shape: what gets past the checks is of its type, every field. */

import { CniError } from '../../../src/daemon/call/error.ts';
import { parseAddRequest, parseDelRequest } from '../../../src/daemon/model/attachment.ts';
import {
  type Bandwidth,
  formatBandwidth,
  parseBandwidth,
} from '../../../src/daemon/model/bandwidth.ts';
import { containerAlias, hostInterfaceNames } from '../../../src/daemon/model/interface-names.ts';
import { toWireRoute } from '../../../src/daemon/model/route.ts';
import type { CniRequest } from '../../../src/wire/messages.ts';
import { checkCniError } from '../oracles/cni-error.ts';
import {
  isContainerId,
  isDnsName,
  isLinkName,
  isNetworkName,
  isPlainPath,
  isPrefix,
  must,
} from '../oracles/types.ts';
import { pureTarget } from '../target.ts';
import { cniRequest } from '../values/requests.ts';

export const attachments = pureTarget('attachments', 8_000, cniRequest, (request) => {
  const added = outcomeOf(() => checkAdd(request), [2, 4, 7]);
  const deleted = outcomeOf(() => checkDel(request), [4]);
  // What an ADD was made for can be deleted.
  must(added !== 'taken' || deleted === 'taken', 'a DEL takes what its ADD took', request);
  return `add ${added}, del ${deleted}`;
});

function outcomeOf(check: () => void, codes: readonly number[]): string {
  try {
    check();
  } catch (error) {
    if (!(error instanceof CniError)) throw error;
    checkCniError(error, codes);
    return `error ${error.code}`;
  }
  return 'taken';
}

function checkAdd(request: CniRequest): void {
  const { pod, provider, netns, routes, bandwidth, ...identity } = parseAddRequest(request);
  checkIdentity(identity);
  must(isDnsName(pod.name) && isDnsName(pod.namespace), 'a pod has its names', pod);
  must(/^[\w-]+$/.test(pod.uid ?? 'none'), 'a UID is a plain word', pod);
  must(isDnsName(provider), 'a provider is a name', provider);
  must(isPlainPath(netns), 'a namespace is a path', netns);
  for (const { dst = '' } of routes.map(toWireRoute)) must(isPrefix(dst), 'a route', dst);
  const numbers = Object.values(bandwidth ?? { none: 1 });
  const isRight = numbers.every((number) => Number.isSafeInteger(number) && number > 0);
  must(numbers.length > 0 && isRight, 'a bandwidth is of whole numbers', bandwidth);
  must(kept(bandwidth) === JSON.stringify(bandwidth), 'a bandwidth can be kept', bandwidth);
}

/** What is left of a bandwidth after a restart. */
function kept(bandwidth: Bandwidth | undefined): string | undefined {
  return JSON.stringify(parseBandwidth(bandwidth && formatBandwidth(bandwidth)));
}

function checkDel(request: CniRequest): void {
  const { netns, ...identity } = parseDelRequest(request);
  checkIdentity(identity);
  must(netns === undefined || isPlainPath(netns), 'a namespace is a path', netns);
}

/** Names that follow from the two are names, too. */
function checkIdentity(identity: { containerId: string; ifName: string; network: string }): void {
  const { containerId, ifName, network } = identity;
  must(isContainerId(containerId), 'a container id is one', containerId);
  must(isLinkName(ifName), 'an interface name is one', ifName);
  must(isNetworkName(network) && network.length <= 253, 'a network has a name', network);
  const names = hostInterfaceNames(containerId, ifName);
  must([...names, ...names.map(containerAlias)].every(isLinkName), 'host ends have names', names);
}
