/**
 * What the fake API server lets whom do: roles as RBAC has them, and refusals in the real
 * server's words (k8s.io/apiserver, responsewriters.Forbidden). Pure functions.
 */
import type { Resource } from './paths.ts';
import type { RequestVerb } from './requests.ts';
import { ApiRefusal, groupOf } from './status.ts';

/** One rule of a Role or ClusterRole, about objects or about paths; `*` stands for all. */
export interface PolicyRule {
  readonly apiGroups?: readonly string[];
  /** Plurals; of a subresource `plural/subresource`. */
  readonly resources?: readonly string[];
  /** Paths that are no object's, like `/metrics`. */
  readonly nonResourceURLs?: readonly string[];
  readonly verbs: readonly string[];
  /** Without it all names. A request for a collection names none. */
  readonly resourceNames?: readonly string[];
}

/** Rules that are bound to an account. */
export interface Grant {
  /** Undefined for a ClusterRoleBinding: everywhere. */
  readonly namespace?: string;
  readonly rules: readonly PolicyRule[];
}

/** Somebody whom the API server knows. */
export interface Account {
  /** Like `system:serviceaccount:kube-system:kube-ovn-cni`. */
  readonly user: string;
  readonly grants: readonly Grant[];
}

/** What a request asks for, as the real server asks its authorizers. */
export interface Attributes {
  readonly verb: RequestVerb;
  readonly apiGroup: string;
  /** Plural, with a subresource behind a slash. */
  readonly resource: string;
  /** Empty for all namespaces, and of kinds without any. */
  readonly namespace: string;
  /** Empty for a collection. */
  readonly name: string;
}

export function attributesOf(verb: RequestVerb, asked: Resource): Attributes {
  const { plural, subresource, namespace, name } = asked;
  const resource = subresource === '' ? plural : `${plural}/${subresource}`;
  return { verb, apiGroup: groupOf(asked), resource, namespace, name };
}

/** @throws ApiRefusal 403 */
export function authorize(account: Account, attributes: Attributes): void {
  if (!isAllowed(account, attributes)) throw forbidden(account, attributes);
}

export function isAllowed({ grants }: Account, attributes: Attributes): boolean {
  return grants.some(({ namespace, rules }) => {
    const applies = namespace === undefined || namespace === attributes.namespace;
    return applies && rules.some((rule) => covers(rule, attributes));
  });
}

/** True where a rule grants what is asked for. */
export function covers(rule: PolicyRule, { verb, apiGroup, resource, name }: Attributes): boolean {
  const { resourceNames = [] } = rule;
  return (
    holds(rule.verbs, verb) &&
    holds(rule.apiGroups, apiGroup) &&
    holds(rule.resources, resource) &&
    (resourceNames.length === 0 || resourceNames.includes(name))
  );
}

function holds(granted: readonly string[] = [], asked: string): boolean {
  return granted.includes('*') || granted.includes(asked);
}

function forbidden({ user }: Account, attributes: Attributes): ApiRefusal {
  const { verb, apiGroup, resource, namespace, name } = attributes;
  const [plural = ''] = resource.split('/');
  const qualified = apiGroup === '' ? plural : `${plural}.${apiGroup}`;
  const what = name === '' ? qualified : `${qualified} "${name}"`;
  const asked = `cannot ${verb} resource "${resource}" in API group "${apiGroup}"`;
  const scope = namespace === '' ? 'at the cluster scope' : `in the namespace "${namespace}"`;
  return new ApiRefusal(403, `${what} is forbidden: User "${user}" ${asked} ${scope}`);
}
