/**
 * How Multus reads an annotation that selects networks (Network Custom Resource Definition De-facto
 * Standard, 4.1), and what it refuses: the rules are those of Multus 4.3, parsePodNetworkAnnotation
 * in pkg/k8sclient, and of the client that looks the network up.
 */
import { isIP } from 'node:net';

/** One network that is selected, with its namespace. */
export interface Selection {
  readonly name: string;
  readonly namespace: string;
  readonly interface?: string;
  readonly mac?: string;
  readonly ips?: readonly string[];
  readonly bandwidth?: object;
  readonly 'default-route'?: readonly string[];
}

const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
/** 6, 8 or 20 bytes, as Go's net.ParseMAC has it. */
const MAC =
  /^([0-9a-f]{2}([:-][0-9a-f]{2}){5}(([:-][0-9a-f]{2}){2}|([:-][0-9a-f]{2}){14})?|[0-9a-f]{4}(\.[0-9a-f]{4}){2})$/i;
/** Of Linux, without the byte that ends it. */
const INTERFACE_LENGTH_MAX = 15;

/**
 * Reads the short form (`namespace/name@interface`, comma list) or the JSON form. In JSON a name is
 * taken as it stands: one with a namespace in it names no object that there can be.
 * @param namespace of networks that name none
 * @throws Error in Multus' words where it would not bring the pod up
 */
export function parseSelections(annotation: string, namespace: string): Selection[] {
  const elements = /[[{"]/.test(annotation)
    ? parseJson(annotation)
    : annotation.split(',').map((item) => parseShort(item.trim()));
  return elements.map((element) => {
    checkRequests(element);
    const selection = { ...element, namespace: element.namespace || namespace };
    checkSegment('namespace', selection.namespace);
    checkSegment('resource name', selection.name);
    return selection;
  });
}

/** @throws Error: Multus makes one default route for each family */
export function checkGateways(selections: readonly Selection[]): void {
  const gateways = selections.flatMap((selection) => selection['default-route'] ?? []);
  for (const version of [4, 6]) {
    if (gateways.filter((gateway) => isIP(gateway) === version).length > 1) {
      throw new Error('multus does not support ECMP for default-route');
    }
  }
}

function parseJson(annotation: string): Selection[] {
  let value: unknown;
  try {
    value = JSON.parse(annotation);
  } catch (error) {
    throw unreadable(String(error));
  }
  if (!Array.isArray(value)) throw unreadable('it is no list');
  return value.map((element) => {
    checkElement(element);
    return { ...element, name: element.name ?? '' };
  });
}

/** What Go's decoder takes for an element: wrong types end it. */
function checkElement(element: unknown): asserts element is Selection {
  if (typeof element !== 'object' || element === null) throw unreadable('an element is no object');
  const fields = element as Readonly<Record<string, unknown>>;
  for (const field of ['name', 'namespace', 'interface', 'mac']) {
    if (typeof (fields[field] ?? '') !== 'string') throw unreadable(`${field} is no string`);
  }
  for (const field of ['ips', 'default-route']) {
    const texts = fields[field] ?? [];
    const isList = Array.isArray(texts) && texts.every((text) => typeof text === 'string');
    if (!isList) throw unreadable(`${field} is no list of strings`);
  }
}

function unreadable(why: string): Error {
  return new Error(
    `failed to parse pod Network Attachment Selection Annotation JSON format: ${why}`,
  );
}

function parseShort(item: string): Selection {
  const refuse = (why: string) => new Error(`parsePodNetworkObjectName: ${why}`);
  const slashed = item.split('/');
  if (slashed.length > 2) throw refuse("Invalid network object (failed at '/')");
  const [rest = '', namespace = ''] = slashed.reverse();
  const [name = '', ifName = '', ...more] = rest.split('@').map((part) => part.trim());
  if (more.length > 0) throw refuse("Invalid network object (failed at '@')");
  for (const part of [namespace.trim(), name]) {
    if (part !== '' && !LABEL.test(part)) {
      throw refuse(`one or more items did not match comma-delimited format, mismatch @ '${part}'`);
    }
  }
  if (ifName.length > INTERFACE_LENGTH_MAX || /[\s/]/.test(ifName)) {
    throw refuse(`Failed to parse interface name: '${ifName}'`);
  }
  return { name, namespace: namespace.trim(), ...(ifName === '' ? {} : { interface: ifName }) };
}

function checkRequests({ mac = '', ips = [] }: Selection): void {
  if (mac !== '' && !MAC.test(mac)) throw new Error(`failed to mac: address ${mac}: invalid MAC`);
  for (const ip of ips) {
    const [address = '', length] = ip.split('/');
    const version = isIP(address);
    const isLength =
      length === undefined ||
      (/^\d{1,3}$/.test(length) && Number(length) <= (version === 4 ? 32 : 128));
    if (version === 0 || !isLength) throw new Error(`failed to parse IP address "${ip}"`);
  }
}

/** What Kubernetes' client refuses to put into a path. */
function checkSegment(what: string, segment: string): void {
  if (segment === '') throw new Error(`${what} may not be empty`);
  const wrong = segment === '.' || segment === '..' ? `may not be '${segment}'` : undefined;
  const bad = /[/%]/.exec(segment)?.[0];
  const why = wrong ?? (bad === undefined ? undefined : `may not contain '${bad}'`);
  if (why !== undefined) throw new Error(`invalid ${what} "${segment}": [${why}]`);
}
