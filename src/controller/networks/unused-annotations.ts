/**
 * Annotations of a pod that mean nothing as they are written, each with what to write instead: keys of
 * a network that the pod has no NIC of, of another kind of network, of a NIC that has none such, and
 * values that are neither yes nor no. Pure.
 *
 * Only names that a pod's author writes are looked at (annotation-names.ts); what anybody else has
 * under `….kubernetes.io/` is none of ours.
 */

import { PRIMARY_PROVIDER } from '../../common/names.ts';
import type { Pod } from '../kinds/pod/object/pod.ts';
import { annotationKey } from '../model/annotation-key.ts';
import { failureEvent, type ObjectEvent } from '../model/events.ts';
import { say } from '../model/problem.ts';
import type { ClusterSettings } from '../model/settings.ts';
import {
  isLimit,
  isMistaken,
  isSharedName,
  isWritable,
  nearestName,
  needsOwnInterface,
} from './annotation-names.ts';
import { asksOthersPrimary } from './others-primary.ts';
import type { NicRequest } from './request.ts';
import { routeNotes } from './route-notes.ts';

/** What is reported of one pod; the rest when that is corrected. */
const NOTES_MAX = 16;
/** Annotations of one pod that are looked at: more than it has NICs, and names for each. */
const LOOKED_AT_MAX = 2_048;
/** Mistaken names that are compared with those that there are: that takes longest. */
const COMPARED_MAX = 16;
/** NICs that are named in one sentence. */
const NAMED_MAX = 3;
const MIDDLE = '.kubernetes.io/';
/** Names that may also be for one interface, under the network without `.ovn`: `ip_address.net1`. */
const PER_INTERFACE = /^(ip_address|mac_address)\.(.+)$/;

/** The NICs of a pod, as keys can be about them. */
interface Nics {
  readonly all: readonly NicRequest[];
  /** What a NIC's annotations are under. */
  readonly byProvider: ReadonlyMap<string, NicRequest>;
  /** Of networks that several NICs share, by the network's provider. */
  readonly sharing: ReadonlyMap<string, readonly NicRequest[]>;
  /** By what people write instead of the network's provider. */
  readonly nearby: ReadonlyMap<string, readonly NicRequest[]>;
}

/**
 * Events about annotations that have no effect: one for each key, and no more than some. What a pod has
 * beyond some thousands is not looked at: no pod needs that many, and they would hold up all others.
 */
export function unusedAnnotations(
  pod: Pod,
  requests: readonly NicRequest[],
  settings: Pick<ClusterSettings, 'isPrimary'>,
): ObjectEvent[] {
  const keys = Object.keys(pod.annotations);
  const said = [...severalDefaults(pod, requests)];
  if (keys.length > LOOKED_AT_MAX) {
    said.push(
      `the pod has ${keys.length} annotations of networks, and only the first ${LOOKED_AT_MAX} are checked`,
    );
  }
  const all = [...said, ...notesOnKeys(keys.slice(0, LOOKED_AT_MAX), pod, requests, settings)];
  const first = all.slice(0, NOTES_MAX);
  if (all.length >= NOTES_MAX) first.push('there may be more: correct these first');
  return first.map((what) => failureEvent('PodAnnotationIgnored', 'annotations', what));
}

function notesOnKeys(
  keys: readonly string[],
  pod: Pod,
  requests: readonly NicRequest[],
  settings: Pick<ClusterSettings, 'isPrimary'>,
): string[] {
  const nics = nicsOf(requests);
  const notes: string[] = [];
  let compared = 0;
  for (const key of keys) {
    if (notes.length >= NOTES_MAX) break;
    const value = pod.annotations[key] ?? '';
    const parts = value === '' ? undefined : partsOf(key);
    if (parts === undefined) continue;
    if (asksOthersPrimary(parts, requests, settings)) continue;
    if (isMistaken(parts.name)) compared += 1;
    if (isMistaken(parts.name) && compared > COMPARED_MAX) continue;
    notes.push(...notesOn(parts, value, pod, nics).map((note) => `annotation ${key} ${note}`));
  }
  return notes;
}

function nicsOf(all: readonly NicRequest[]): Nics {
  const sharing = new Map<string, NicRequest[]>();
  const nearby = new Map<string, NicRequest[]>();
  const add = (map: Map<string, NicRequest[]>, key: string, nic: NicRequest) => {
    const group = map.get(key);
    if (group === undefined) map.set(key, [nic]);
    else group.push(nic);
  };
  for (const nic of all) {
    const network = networkOf(nic);
    if (network !== nic.provider) add(sharing, network, nic);
    if (nic.nad === undefined) continue;
    const { name, namespace } = nic.nad;
    for (const plain of new Set([`${name}.${namespace}`, `${namespace}.${name}`])) {
      add(nearby, plain, nic);
      add(nearby, `${plain}.ovn`, nic);
    }
  }
  return { all, byProvider: new Map(all.map((nic) => [nic.provider, nic])), sharing, nearby };
}

function networkOf({ kind, nad, provider }: NicRequest): string {
  if (nad === undefined) return provider;
  const network = `${nad.name}.${nad.namespace}`;
  return kind === 'ovn' ? `${network}.ovn` : network;
}

/** A key, taken apart. */
interface KeyParts {
  readonly prefix: string;
  readonly name: string;
  /** Of `ip_address.net1` and the like: `net1`. */
  readonly ifName: string | undefined;
  /** True for a name that there is. */
  readonly isWritable: boolean;
}

function partsOf(key: string): KeyParts | undefined {
  const at = key.indexOf(MIDDLE);
  if (at <= 0) return undefined;
  const prefix = key.slice(0, at);
  const whole = key.slice(at + MIDDLE.length);
  const [, base, ifName] = PER_INTERFACE.exec(whole) ?? [];
  const name = base ?? whole;
  return { prefix, name, ifName, isWritable: isWritable(name) };
}

/** What is to be said about one annotation, each as the end of a sentence. */
function notesOn(parts: KeyParts, value: string, pod: Pod, nics: Nics): readonly string[] {
  const { prefix, name, ifName } = parts;
  if (ifName !== undefined) return onInterface(prefix, name, ifName, nics);
  if (!parts.isWritable) return onUnknown(prefix, name, nics);
  const nic = nics.byProvider.get(prefix);
  if (nic !== undefined) return onNic(nic, name, value);
  const sharing = nics.sharing.get(prefix);
  if (sharing !== undefined) return onShared(sharing, name, value);
  // What an earlier NIC had been given is there until somebody else removes it.
  if (pod.annotations[annotationKey(prefix, 'allocated')] === 'true') return [];
  return onStranger(prefix, name, nics);
}

/** Under a NIC's own provider. */
function onNic(nic: NicRequest, name: string, value: string): readonly string[] {
  if (nic.kind === 'ipam' && needsOwnInterface(name)) {
    const instead = isLimit(name) ? 'limit it there, by the plugin bandwidth, say' : 'remove it';
    return [
      `has no effect: another plugin makes the interface of network ${nic.provider}; ${instead}`,
    ];
  }
  if (name === 'routes') return routeNotes(value, nic.attempts[0].subnet);
  return onFlag(name, value);
}

function onFlag(name: string, value: string): readonly string[] {
  if (name !== 'default_route' && name !== 'mirror') return [];
  if (value === 'true' || value === 'false') return [];
  return [say`has no effect: it is "${value}"; write "true" or "false", in small letters`];
}

/** Under a network that several NICs share. */
function onShared(nics: readonly NicRequest[], name: string, value: string): readonly string[] {
  if (isSharedName(name)) return onFlag(name, value);
  return [
    `has no effect: the pod has several NICs of this network; write ${keysOf(nics, name)} instead`,
  ];
}

/** `<nad>.<namespace>.kubernetes.io/ip_address.<interface>`, whatever the network's kind. */
function onInterface(prefix: string, base: string, ifName: string, nics: Nics): readonly string[] {
  const network = prefix.endsWith('.ovn') ? prefix.slice(0, -'.ovn'.length) : prefix;
  const own = (nics.nearby.get(network) ?? []).filter(
    ({ nad }) => nad && `${nad.name}.${nad.namespace}` === network,
  );
  if (own.length === 0) return [`has no effect: ${strangerText(nics, base)}`];
  if (!own.some((nic) => nic.ifName === ifName)) {
    return [
      say`has no effect: no network of the pod asks for interface ${ifName}; write ${keysOf(own, base)} instead`,
    ];
  }
  if (prefix === network) return [];
  return [`has no effect: write ${annotationKey(network, base)}.${ifName} instead`];
}

/** A name that there is not. */
function onUnknown(prefix: string, name: string, nics: Nics): readonly string[] {
  const isKnown = nics.byProvider.has(prefix) || nics.sharing.has(prefix);
  if (!isKnown && prefix !== PRIMARY_PROVIDER && meantNics(prefix, nics).length === 0) return [];
  const meant = nearestName(name);
  if (meant === undefined) return [];
  const own = isKnown ? [] : meantNics(prefix, nics);
  const instead = own.length > 0 ? keysOf(own, meant) : annotationKey(prefix, meant);
  return [say`has no effect: there is no annotation ${name}; write ${instead} instead`];
}

/** Under what no NIC of the pod has. */
function onStranger(prefix: string, name: string, nics: Nics): readonly string[] {
  if (prefix === PRIMARY_PROVIDER) {
    const isPlainLimit = isLimit(name) && nics.all.some(({ kind }) => kind === 'ovn');
    return isPlainLimit ? [] : [`has no effect: ${strangerText(nics, name)}`];
  }
  const meant = meantNics(prefix, nics);
  if (meant.length > 0) return [`has no effect: write ${keysOf(meant, name)} instead`];
  return [`has no effect: ${strangerText(nics, name)}`];
}

/** NICs that a prefix is almost the provider of: of another kind, or with another interface. */
function meantNics(prefix: string, { nearby }: Nics): readonly NicRequest[] {
  const parent = prefix.slice(0, prefix.lastIndexOf('.'));
  return nearby.get(prefix) ?? nearby.get(parent) ?? [];
}

function strangerText(nics: Nics, name: string): string {
  if (nics.all.length === 0) return 'no network of the pod has its addresses from this controller';
  return `the pod has no such network of this controller; its own are under ${keysOf(nics.all, name)}`;
}

function keysOf(nics: readonly NicRequest[], name: string): string {
  const keys = nics.slice(0, NAMED_MAX).map(({ provider }) => annotationKey(provider, name));
  const rest = nics.length > NAMED_MAX ? ' and so on' : '';
  return `${keys.join(' or ')}${rest}`;
}

/** Each ADD takes the default route from the interface before. */
function severalDefaults({ annotations }: Pod, nics: readonly NicRequest[]): readonly string[] {
  const keys = nics
    .map(({ provider }) => annotationKey(provider, 'default_route'))
    .filter((key) => annotations[key] === 'true');
  if (keys.length < 2) return [];
  const shown = keys.slice(0, NAMED_MAX).join(', ');
  return [
    `annotations ${shown}: a pod has one default route, and the interface that is made last has it; leave "true" at one of them`,
  ];
}
