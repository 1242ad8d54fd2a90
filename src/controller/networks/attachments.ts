/**
 * The NICs that a pod asks for by name: of each network that it selects, whether it is ours, and
 * which Subnet the NIC is on. Pure.
 */

import { isDnsName, isOvnProvider, PRIMARY_PROVIDER } from '../../common/names.ts';
import { isInterfaceName } from '../../wire/cni.ts';
import { dottedName, type Nad } from '../kinds/nad/object/nad.ts';
import type { NicKind } from '../kinds/pod/object/allocated-nic.ts';
import type { Pod } from '../kinds/pod/object/pod.ts';
import type { Subnet } from '../kinds/subnet/object/subnet.ts';
import { annotationKey } from '../model/annotation-key.ts';
import { failureEvent, type ObjectEvent } from '../model/events.ts';
import { type Checked, say, wrong } from '../model/problem.ts';
import { type NicPlace, primaryPlace } from './primary.ts';
import type { NetworkView } from './request.ts';
import { dynamicFrom, isPublished } from './requested-addresses.ts';
import type { Selection } from './selections.ts';
import { usable } from './subnet-index.ts';
import { permitted } from './subnet-policy.ts';

/** A NIC that is to be, as far as the network says it. */
export interface Attachment {
  readonly kind: NicKind;
  /** With the interface, where the pod has several NICs of the network. */
  readonly provider: string;
  readonly selection: Selection;
  readonly place: NicPlace;
}

/** What a selection comes to; without an attachment the network is none of ours. */
export interface ResolvedSelection {
  readonly attachment?: Attachment;
  /** What the pod's owner has to know although the pod can start. */
  readonly event?: ObjectEvent;
}

const NOT_OURS: ResolvedSelection = {};

/** @param isTwin true where the pod selects the network more than once */
export function resolveSelection(
  selection: Selection,
  isTwin: boolean,
  pod: Pod,
  view: NetworkView,
): Checked<ResolvedSelection> {
  const { namespace, name } = selection;
  const nad = view.nad(namespace, name);
  if (nad === undefined) {
    return wrong(
      say`network-attachment-definition ${namespace}/${name} not found`,
      'create the NetworkAttachmentDefinition, or correct the annotation',
    );
  }
  switch (nad.config.kind) {
    case 'other':
      return { value: NOT_OURS };
    case 'empty':
      return { value: { event: emptyNad(nad) } };
    case 'wrong':
      return { problems: [nad.config.problem] };
    default:
      return attach({ selection, isTwin, pod, view }, nad.config.kind, nad.config.provider);
  }
}

interface AttachContext {
  readonly selection: Selection;
  readonly isTwin: boolean;
  readonly pod: Pod;
  readonly view: NetworkView;
}

function attach(
  { selection, isTwin, pod, view }: AttachContext,
  kind: NicKind,
  configured: string,
): Checked<ResolvedSelection> {
  const dotted = kind === 'ovn' ? dottedName(selection) : undefined;
  if (dotted !== undefined) return { problems: [dotted] };
  if (kind === 'ovn' && configured === PRIMARY_PROVIDER && !view.settings.isPrimary) {
    return attachDefault({ selection, isTwin, pod, view });
  }
  const network = networkProvider(selection, kind);
  const provider = nicProvider(selection, network, isTwin);
  const ifName = refusedInterface(selection, network, provider);
  if (ifName !== undefined) return ifName;
  const subnet = findSubnet({ pod, provider, network, view });
  if ('problems' in subnet) return subnet;
  if (kind === 'ovn' && !subnet.value.isOvn) {
    return wrong(
      say`provider ${network} is bound to subnet ${subnet.value.name} of provider ${subnet.value.provider}, which is none of OVN's`,
      'a network of type kube-ovn needs a Subnet whose provider is ovn, or <name>.<namespace>.ovn',
    );
  }
  if (kind === 'ipam' && selection.isDefault && subnet.value.isOvn) {
    return { value: { event: mainNic(network, subnet.value) } };
  }
  const attachment = { kind, provider, selection, place: placeOn(subnet.value) };
  if (configured === network) return { value: { attachment } };
  return { value: { attachment, event: otherProvider(selection, network, configured) } };
}

/**
 * In non-primary mode a network may say that it is the one of provider `ovn`: its NIC is what the pod's
 * primary NIC would be, with the same annotations, on the Subnet of the pod's namespace or the default
 * one. The nodes look under what the network says.
 */
function attachDefault({
  selection,
  isTwin,
  pod,
  view,
}: AttachContext): Checked<ResolvedSelection> {
  if (isTwin) {
    const { namespace, name } = selection;
    return wrong(
      say`network ${namespace}/${name} of provider ovn is selected more than once`,
      'a pod has one NIC of provider ovn: select it once, and for others make networks of their own',
    );
  }
  const ifName = refusedInterface(selection, PRIMARY_PROVIDER, PRIMARY_PROVIDER);
  if (ifName !== undefined) return ifName;
  const place = primaryPlace(pod, view);
  if ('problems' in place) return place;
  const attachment: Attachment = {
    kind: 'ovn',
    provider: PRIMARY_PROVIDER,
    selection,
    place: place.value,
  };
  return { value: { attachment } };
}

function placeOn(subnet: Subnet): NicPlace {
  return { candidates: [subnet], otherwise: () => ({ value: [dynamicFrom(subnet)] }) };
}

/** What Subnets name a network by: made of the network's own name, whatever its config says. */
function networkProvider({ name, namespace }: Selection, kind: NicKind): string {
  return kind === 'ovn' ? `${name}.${namespace}.ovn` : `${name}.${namespace}`;
}

/** What a NIC's annotations are under. */
function nicProvider({ ifName }: Selection, network: string, isTwin: boolean): string {
  return isTwin && ifName !== '' ? `${network}.${ifName}` : network;
}

/** An interface's name becomes part of keys and names; so it is checked before. */
function refusedInterface({ ifName }: Selection, network: string, provider: string) {
  if (ifName !== '' && !isInterfaceName(ifName)) {
    const advice = 'use 1 to 15 letters, digits, "_", ".", "@", "+", "~" and "-"';
    return wrong(say`${ifName} is no name for an interface of network ${network}`, advice);
  }
  if (provider === network) return undefined;
  // "a.b" with interface "ovn" would be the network "a.b.ovn".
  if (isDnsName(`${provider}.kubernetes.io`) && !isOvnProvider(provider)) return undefined;
  return wrong(
    say`interface ${ifName} does not tell the NICs of network ${network} apart`,
    'use lower-case letters, digits and "-", since keys of annotations are made of it, and not "ovn"',
  );
}

interface SubnetQuery {
  readonly pod: Pod;
  readonly provider: string;
  readonly network: string;
  readonly view: NetworkView;
}

/** The Subnet that the pod names for the NIC, else the one of the network. */
function findSubnet({ pod, provider, network, view }: SubnetQuery): Checked<Subnet> {
  const key = annotationKey(provider, 'logical_switch');
  const named = pod.annotations[key] ?? '';
  const { subnets } = view;
  const object =
    named === ''
      ? (subnets.ofProvider(network) ?? subnets.terminatingOf(network))
      : subnets.get(named);
  if (object !== undefined) {
    const hasAddresses = isPublished(pod, provider);
    const subnet = usable(object, hasAddresses, view.holdersOf);
    // Who has its addresses keeps them; whether it has, is asked later.
    if ('problems' in subnet || hasAddresses) return subnet;
    return permitted(subnet.value, pod.namespace, view);
  }
  if (named !== '') {
    return wrong(say`subnet ${named} not found`, say`create it, or correct annotation ${key}`);
  }
  return wrong(
    say`provider ${provider} is not bound to any subnet`,
    say`create a Subnet with provider ${network}, or name one by annotation ${key}`,
  );
}

function emptyNad({ namespace, name }: Nad): ObjectEvent {
  const what = `network-attachment-definition ${namespace}/${name} has an empty spec: its configuration is on the nodes only, so its addresses cannot be ours`;
  return failureEvent('PodNetworkNotSupported', 'getPodKubeovnNets', what);
}

function mainNic(network: string, subnet: Subnet): ObjectEvent {
  const what = `network ${network} cannot be the pod's main network on subnet ${subnet.name}: with a Subnet of provider ${subnet.provider} that is not supported; use one of provider ${network}`;
  return failureEvent('PodNetworkNotSupported', 'getPodKubeovnNets', what);
}

/** The node's daemon will ask for what the configuration says, and find nothing under it. */
function otherProvider(
  { namespace, name }: Selection,
  network: string,
  configured: string,
): ObjectEvent {
  const what = say`network-attachment-definition ${namespace}/${name} has provider "${configured}", and the nodes will not find what is written for ${network}: set its provider to ${network}`;
  return failureEvent('ValidatePodNetworkFailed', 'validateProvider', what);
}
