/**
 * Which names, keys and values the real API server takes (k8s.io/apimachinery, package
 * validation), and its words for the others. Pure functions: each returns what is wrong.
 */

/** How the names of a kind's objects are to be; a subdomain where the kind does not say. */
export type NameRule = 'subdomain' | 'label' | 'path segment';

const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const SUBDOMAIN = `${LABEL}(\\.${LABEL})*`;
const QUALIFIED = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const VALUE = `(${QUALIFIED})?`;

const NOTHING: readonly string[] = [];

const isLabel = new RegExp(`^${LABEL}$`);
const isSubdomain = new RegExp(`^${SUBDOMAIN}$`);
const isQualified = new RegExp(`^${QUALIFIED}$`);
const isValue = new RegExp(`^${VALUE}$`);

/** @param isPrefix true for a `generateName`, which may end with a dash */
export function nameErrors(rule: NameRule, name: string, isPrefix = false): string[] {
  const whole = isPrefix && name.length > 1 && name.endsWith('-') ? `${name.slice(0, -2)}a` : name;
  if (rule === 'label') return labelErrors(whole);
  return rule === 'subdomain' ? subdomainErrors(whole) : segmentErrors(name, isPrefix);
}

/** Of a namespace's name, for one. */
export function labelErrors(name: string): string[] {
  const why =
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and " +
    `must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', ${regexOf(LABEL)})`;
  return [...longer(name, 63), ...(isLabel.test(name) ? [] : [why])];
}

/** Keys that are right: the same few are on all objects, and an object has many. */
const rightKeys = new Set<string>();
const RIGHT_KEYS_MAX = 1000;

/** Of the keys of labels, and of finalizers. */
export function keyErrors(key: string): readonly string[] {
  if (rightKeys.has(key)) return NOTHING;
  const errors = newKeyErrors(key);
  if (errors.length === 0 && rightKeys.size < RIGHT_KEYS_MAX) rightKeys.add(key);
  return errors;
}

function newKeyErrors(key: string): string[] {
  const parts = key.split('/');
  const [prefix, name = ''] = parts.length === 1 ? [undefined, ...parts] : parts;
  const form =
    "consist of alphanumeric characters, '-', '_' or '.', and must start and end with an " +
    `alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', ${regexOf(QUALIFIED)}`;
  if (parts.length > 2) {
    return [
      `a qualified name must ${form} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName'))`,
    ];
  }
  return [
    ...prefixErrors(prefix),
    ...(name === '' ? ['name part must be non-empty'] : []),
    ...longer(name, 63).map((why) => `name part ${why}`),
    ...(isQualified.test(name) ? [] : [`name part must ${form})`]),
  ];
}

/** Of a label. */
export function valueErrors(value: string): string[] {
  const why =
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', " +
    `and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', ${regexOf(VALUE)})`;
  return [...longer(value, 63), ...(isValue.test(value) ? [] : [why])];
}

function prefixErrors(prefix: string | undefined): string[] {
  if (prefix === undefined) return [];
  if (prefix === '') return ['prefix part must be non-empty'];
  return subdomainErrors(prefix).map((why) => `prefix part ${why}`);
}

function subdomainErrors(name: string): string[] {
  const why =
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', " +
    `and must start and end with an alphanumeric character (e.g. 'example.com', ${regexOf(SUBDOMAIN)})`;
  return [...longer(name, 253), ...(isSubdomain.test(name) ? [] : [why])];
}

/** What can stand in a path, which is all that is asked of an event's name. */
function segmentErrors(name: string, isPrefix: boolean): string[] {
  if (!isPrefix && (name === '.' || name === '..')) return [`may not be '${name}'`];
  return ['/', '%']
    .filter((sign) => name.includes(sign))
    .map((sign) => `may not contain '${sign}'`);
}

function longer(text: string, max: number): string[] {
  return Buffer.byteLength(text) > max ? [`must be no more than ${max} bytes`] : [];
}

function regexOf(pattern: string): string {
  return `regex used for validation is '${pattern}'`;
}
