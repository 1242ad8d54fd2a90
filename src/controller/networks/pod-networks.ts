/**
 * The networks of a pod: from its annotations and the cluster's objects to the NICs that it is to have. Pure.
 */

import { logicalSwitchPort, PRIMARY_PROVIDER } from '../../common/names.ts';
import {
  DEFAULT_NETWORK_ANNOTATION,
  NETWORKS_ANNOTATION,
  type Pod,
  workloadOf,
} from '../kinds/pod/object/pod.ts';
import { annotationKey } from '../model/annotation-key.ts';
import { type FailureReason, failureEvent, type ObjectEvent } from '../model/events.ts';
import {
  type Checked,
  describeProblems,
  type Problem,
  type Problems,
  say,
  wrong,
} from '../model/problem.ts';
import { annotationProblems } from './annotation-rules.ts';
import { type Attachment, resolveSelection } from './attachments.ts';
import { interfaceProblem, type SelectedNetwork } from './interface-names.ts';
import { othersPrimaryEvents } from './others-primary.ts';
import { portProblem } from './port-rules.ts';
import { primaryPlace } from './primary.ts';
import type { NetworkView, NicRequest, PodNetworks } from './request.ts';
import { type NicContext, readRequestedAddresses } from './requested-addresses.ts';
import { podSelections, type Selection, twinsAmong } from './selections.ts';
import { unusedAnnotations } from './unused-annotations.ts';

/** Kubernetes' limit for the name of an object; an IP object is named like its NIC. */
const NAME_LENGTH_MAX = 253;
const VIP_KEY = annotationKey(PRIMARY_PROVIDER, 'vip');

/** The NICs that a pod is to have, or what is wrong. */
export function podNetworks(pod: Pod, view: NetworkView): PodNetworks {
  if (pod.hostNetwork) return { nics: [], events: [] };
  const [first, ...rest] = formProblems(pod, view);
  if (first !== undefined)
    return fail('ValidatePodNetworkFailed', 'validate', [first, ...rest], []);
  const selections = podSelections(pod);
  if ('problems' in selections) return failToFind(selections.problems, []);
  const events = [...joinedNameEvents(selections.value)];
  const contexts: NicContext[] = [];
  const networks: SelectedNetwork[] = [];
  const isTwin = twinsAmong(selections.value);
  for (const selection of selections.value) {
    const resolved = resolveSelection(selection, isTwin(selection), pod, view);
    if ('problems' in resolved) return failToFind(resolved.problems, events);
    const { attachment, event } = resolved.value;
    if (event !== undefined) events.push(event);
    if (attachment !== undefined) contexts.push(contextOf(attachment, pod, view));
    networks.push({ selection, isOurs: attachment !== undefined });
  }
  const twins = twinProblem(contexts);
  if (twins !== undefined) return failToFind(twins.problems, events);
  const sameInterface = interfaceProblem(networks);
  if (sameInterface !== undefined) return failToFind([sameInterface], events);
  const primary = primaryContext(pod, view);
  if ('problems' in primary) return failToFind(primary.problems, events);
  return requestAll(pod, view, [...contexts, ...primary.value], events);
}

/**
 * What is wrong with the annotations by themselves. In non-primary mode those of provider `ovn` are
 * another plugin's, whatever is in them, unless a NIC of ours reads them.
 */
function formProblems(pod: Pod, view: NetworkView): readonly Problem[] {
  const problems = annotationProblems(pod);
  if (problems.length === 0 || view.settings.isPrimary) return problems;
  const asked = askedProviders(pod, view);
  return annotationProblems(pod, {
    addresses: asked.has(PRIMARY_PROVIDER),
    limits: asked.size > 0,
  });
}

function requestAll(
  pod: Pod,
  view: NetworkView,
  contexts: readonly NicContext[],
  events: readonly ObjectEvent[],
): PodNetworks {
  const nics: NicRequest[] = [];
  for (const context of contexts) {
    const request = requestOf(context);
    if ('problems' in request) {
      return fail('AcquireAddressFailed', 'acquireAddress', request.problems, events);
    }
    nics.push(request.value);
  }
  // Of a network that is left out its annotations are no mistake besides.
  const isOneLeftOut = events.some(({ reason }) => reason === 'PodNetworkNotSupported');
  if (isOneLeftOut) return { nics, events };
  const others = othersPrimaryEvents(pod, nics, view.settings);
  return { nics, events: [...events, ...others, ...unusedAnnotations(pod, nics, view.settings)] };
}

function requestOf(context: NicContext): Checked<NicRequest> {
  const { pod, kind, provider, selection, view } = context;
  const { namespace } = pod;
  const port = logicalSwitchPort({ workload: workloadOf(pod, view.settings), namespace, provider });
  if (port.length > NAME_LENGTH_MAX) {
    const advice = `shorten the name of the pod or of the network: ${NAME_LENGTH_MAX} characters are possible`;
    return wrong(say`the name ${port} of the NIC is too long`, advice);
  }
  if (pod.annotations[VIP_KEY] && kind === 'ovn') {
    const advice = 'remove it, and ask for the address by ip_address';
    return wrong(`annotation ${VIP_KEY} is not supported`, advice);
  }
  const wrongPort = kind === 'ovn' ? portProblem(pod, provider) : undefined;
  if (wrongPort !== undefined) return { problems: [wrongPort] };
  const requested = readRequestedAddresses(context);
  if ('problems' in requested) return requested;
  const nad = selection && { nad: { namespace: selection.namespace, name: selection.name } };
  return {
    value: {
      kind,
      provider,
      port,
      isDefault: selection?.isDefault ?? true,
      ...nad,
      ...(selection?.ifName ? { ifName: selection.ifName } : {}),
      ...requested.value,
    },
  };
}

function contextOf(attachment: Attachment, pod: Pod, view: NetworkView): NicContext {
  const { kind, provider, selection, place } = attachment;
  return { pod, kind, provider, selection, ...place, view };
}

/**
 * What the annotations of the NICs that a pod asks for are under. Of a network that cannot be had there
 * is none, and the others are there all the same: the pod may have been given them before.
 */
export function askedProviders(pod: Pod, view: NetworkView): ReadonlySet<string> {
  const asked = new Set<string>();
  if (pod.hostNetwork) return asked;
  if (hasPrimary(pod, view)) asked.add(PRIMARY_PROVIDER);
  const selections = podSelections(pod);
  if ('problems' in selections) return asked;
  const isTwin = twinsAmong(selections.value);
  for (const selection of selections.value) {
    const resolved = resolveSelection(selection, isTwin(selection), pod, view);
    const attachment = 'value' in resolved ? resolved.value.attachment : undefined;
    if (attachment !== undefined) asked.add(attachment.provider);
  }
  return asked;
}

/** There is no primary NIC where another network takes its place. */
function hasPrimary({ annotations }: Pod, { settings }: NetworkView): boolean {
  return settings.isPrimary && !(DEFAULT_NETWORK_ANNOTATION in annotations);
}

/** The primary NIC is the last. */
function primaryContext(pod: Pod, view: NetworkView): Checked<readonly NicContext[]> {
  if (!hasPrimary(pod, view)) return { value: [] };
  const place = primaryPlace(pod, view);
  if ('problems' in place) return place;
  return { value: [{ pod, kind: 'ovn', provider: PRIMARY_PROVIDER, ...place.value, view }] };
}

/** Two NICs with one key would have one address. */
function twinProblem(contexts: readonly NicContext[]) {
  const seen = new Set<string>();
  for (const { provider } of contexts) {
    if (seen.has(provider)) {
      return wrong(
        say`several NICs of network ${provider} cannot be told apart`,
        'set another "interface" for each NIC of a network',
      );
    }
    seen.add(provider);
  }
  return undefined;
}

/** Addresses are given all the same: as soon as Multus takes the name, the pod can start. */
function joinedNameEvents(selections: readonly Selection[]): readonly ObjectEvent[] {
  const joined = selections.filter(({ isJoined }) => isJoined);
  return joined.map(({ namespace, name, isDefault }) => {
    const key = isDefault ? DEFAULT_NETWORK_ANNOTATION : NETWORKS_ANNOTATION;
    const written = `"name": "${namespace}/${name}"`;
    const right = `"namespace": "${namespace}", "name": "${name}"`;
    const what = `annotation ${key} has ${written}, which Multus refuses: write ${right}`;
    return failureEvent('ValidatePodNetworkFailed', 'validate', what);
  });
}

function failToFind(problems: Problems, events: readonly ObjectEvent[]): PodNetworks {
  return fail('PodNetworkUpdateFailed', 'getPodKubeovnNets', problems, events);
}

function fail(
  reason: FailureReason,
  stage: string,
  problems: Problems,
  events: readonly ObjectEvent[],
): PodNetworks {
  return { problems, events: [...events, failureEvent(reason, stage, describeProblems(problems))] };
}
