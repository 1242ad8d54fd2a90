/**
 * The networks that a pod's annotations name, in the two forms that Multus takes. Pure; nothing
 * here knows what the networks are.
 *
 * What Multus does not check is not checked here either (`ips`, `mac`, `interface`): the network
 * may be another plugin's, with rules of its own.
 */

import { parseAddress } from '../../common/address.ts';
import { type Fields, readFields } from '../../common/fields.ts';
import { isDnsName } from '../../common/names.ts';
import {
  DEFAULT_NETWORK_ANNOTATION,
  NETWORKS_ANNOTATION,
  type Pod,
} from '../kinds/pod/object/pod.ts';
import { type Checked, checked, type Problem, say, wrong } from '../model/problem.ts';

/** One network that a pod is to have a NIC of. */
export interface Selection {
  readonly namespace: string;
  readonly name: string;
  /** The interface that is asked for, as it is written; empty where Multus is to choose. */
  readonly ifName: string;
  /** As they are written. */
  readonly ips: readonly string[];
  /** As it is written; empty where none is asked for. */
  readonly mac: string;
  /** True for the network that takes the place of the pod's primary one. */
  readonly isDefault: boolean;
  /**
   * True where JSON has "namespace/name" in `name`. Kube-OVN's controller and ours take it apart;
   * Multus does not, and refuses the name.
   */
  readonly isJoined?: boolean;
}

/** Networks of a pod, of both annotations: what is served of one with more is nothing. */
export const NETWORKS_MAX = 64;

/** NICs of a pod: of all these networks, and the primary one. */
export const NICS_MAX = NETWORKS_MAX + 1;

/** Of one of these annotations: a kilobyte for each network. Longer ones are not parsed. */
const NETWORKS_CHARS_MAX = NETWORKS_MAX * 1024;

/** What JSON has, and the short form does not. */
const JSON_MARKS = /["[{]/;
/** Multus' rule for each part of the short form: what Kubernetes has for a label of a name. */
const PART = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
/** Longer than any name of a namespace, of an object or of an interface. */
const PART_CHARS_MAX = 253;

/** All networks of a pod, in the order of its NICs: the default one comes first. */
export function podSelections({ annotations, namespace }: Pod): Checked<readonly Selection[]> {
  const selections: Selection[] = [];
  for (const key of [DEFAULT_NETWORK_ANNOTATION, NETWORKS_ANNOTATION]) {
    const text = annotations[key] ?? '';
    if (text === '') continue;
    if (text.length > NETWORKS_CHARS_MAX) return tooLong(key, text.length);
    const isDefault = key === DEFAULT_NETWORK_ANNOTATION;
    const found = parseSelections(text, { key, namespace, isDefault });
    if ('problems' in found) return found;
    if (selections.length + found.value.length > NETWORKS_MAX) return tooMany(key);
    for (const selection of found.value) selections.push(selection);
  }
  return { value: selections };
}

/** @returns whether a selection's network is selected more than once */
export function twinsAmong(all: readonly Selection[]): (selection: Selection) => boolean {
  const keyOf = ({ namespace, name }: Selection) => `${namespace}/${name}`;
  const counts = new Map<string, number>();
  for (const each of all) counts.set(keyOf(each), (counts.get(keyOf(each)) ?? 0) + 1);
  return (selection) => (counts.get(keyOf(selection)) ?? 0) > 1;
}

function tooMany(key: string) {
  return wrong(
    `annotation ${key} is wrong: a pod has at most ${NETWORKS_MAX} networks, and this one names more`,
    'name fewer networks: of these none is served',
  );
}

function tooLong(key: string, length: number) {
  return wrong(
    `annotation ${key} is wrong: it has ${length} characters, and at most ${NETWORKS_CHARS_MAX} are read`,
    'make it shorter: of its networks none is served',
  );
}

interface Origin {
  /** The annotation's. */
  readonly key: string;
  /** The pod's: of networks that do not say theirs. */
  readonly namespace: string;
  readonly isDefault: boolean;
}

function parseSelections(text: string, origin: Origin): Checked<readonly Selection[]> {
  return JSON_MARKS.test(text) ? parseJson(text, origin) : parseShort(text, origin);
}

/** `[<namespace>/]<name>[@<interface>]`, with commas between. */
function parseShort(text: string, { key, namespace, isDefault }: Origin) {
  const problems: Problem[] = [];
  const items = text.split(',', NETWORKS_MAX + 1);
  if (items.length > NETWORKS_MAX) return tooMany(key);
  const selections = items.map((item) => {
    const trimmed = item.trim();
    // No more parts than show that there are too many.
    const [path = '', ifName = '', ...ats] = trimmed.split('@', 3);
    const [left = '', right, ...slashes] = path.split('/', 3);
    const [space, name] = right === undefined ? [namespace, left] : [left || namespace, right];
    const parts = [space, name, ...(trimmed.includes('@') ? [ifName] : [])];
    if (ats.length > 0 || slashes.length > 0 || !parts.every(isPart)) {
      problems.push({
        message: say`annotation ${key} is wrong: "${trimmed}" is no network`,
        advice: 'write [<namespace>/]<name>[@<interface>] in lower case, with "," between networks',
      });
    }
    return { namespace: space, name, ifName, ips: [], mac: '', isDefault };
  });
  return checked(selections, problems);
}

function isPart(text: string): boolean {
  return text.length <= PART_CHARS_MAX && PART.test(text);
}

function parseJson(text: string, origin: Origin): Checked<readonly Selection[]> {
  const advice = 'write a JSON array of objects, each with "name" and, if need be, "namespace"';
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    return wrong(say`annotation ${origin.key} is wrong: it is no JSON`, advice);
  }
  if (!Array.isArray(list)) {
    return wrong(say`annotation ${origin.key} is wrong: it is no JSON array`, advice);
  }
  if (list.length > NETWORKS_MAX) return tooMany(origin.key);
  const problems: Problem[] = [];
  const selections = list.map((value: unknown, index) => {
    const path = `annotation ${origin.key}[${index}]`;
    const report = (problem: Problem) => {
      problems.push(problem);
    };
    if (value === null) report({ message: `${path} is wrong: null`, advice });
    return parseElement(readFields(value, path, report), { ...origin, path, report });
  });
  return checked(selections, problems);
}

interface ElementOrigin extends Origin {
  readonly path: string;
  readonly report: (problem: Problem) => void;
}

function parseElement(fields: Fields, { namespace, isDefault, path, report }: ElementOrigin) {
  const said = fields.text('name');
  const slash = said.indexOf('/');
  const own = fields.text('namespace');
  // Kube-OVN's documentation has "namespace/name" here, which Multus itself does not take apart.
  const isJoined = own === '' && slash >= 0;
  const [space, name] = isJoined ? [said.slice(0, slash), said.slice(slash + 1)] : [own, said];
  if (!isDnsName(name) || !isPart(space || namespace)) {
    report({
      message: say`${path} is wrong: "${space}/${name}" is no network`,
      advice:
        'set "name", and "namespace" if it is not the pod\'s, of a NetworkAttachmentDefinition',
    });
  }
  const gateways = fields.texts('default-route');
  const wrongGateway = gateways.find((gateway) => parseAddress(gateway) === undefined);
  if (wrongGateway !== undefined) {
    report({
      message: say`${path}.default-route is wrong: "${wrongGateway}"`,
      advice: 'write addresses of gateways',
    });
  }
  return {
    namespace: space || namespace,
    name,
    ifName: fields.text('interface'),
    ips: fields.texts('ips'),
    mac: fields.text('mac'),
    isDefault,
    ...(isJoined ? { isJoined } : {}),
  };
}
