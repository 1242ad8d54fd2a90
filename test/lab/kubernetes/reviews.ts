/**
 * TokenReview and SubjectAccessReview of the fake API server: whose a token is, and what somebody may.
 * Neither is kept: a review is answered at once. Rules and words are the real server's
 * (k8s.io/kubernetes, pkg/registry/authentication/tokenreview and authorization/subjectaccessreview).
 */
import { isRecord } from './object.ts';
import type { Resource } from './paths.ts';
import { type Account, isAllowed } from './rbac.ts';
import type { RequestVerb } from './requests.ts';
import { ApiRefusal } from './status.ts';

/** Whom the server knows. */
export interface Known {
  byToken(token: string): Account | undefined;
  byName(user: string): Account | undefined;
}

const KINDS: Readonly<Record<string, string>> = {
  'authentication.k8s.io/v1/tokenreviews': 'TokenReview',
  'authorization.k8s.io/v1/subjectaccessreviews': 'SubjectAccessReview',
};

/** The kind of review that is at a path; undefined for another one. */
export function reviewKindOf({ apiVersion, plural }: Resource): string | undefined {
  return KINDS[`${apiVersion}/${plural}`];
}

/**
 * @returns the review with its status
 * @throws ApiRefusal 400, 405 or 422 for what is no review
 */
export function answerReview(
  kind: string,
  { verb, asked }: { verb: RequestVerb; asked: Resource },
  body: unknown,
  known: Known,
): object {
  if (verb !== 'create' || asked.namespace !== '') {
    throw new ApiRefusal(405, 'the server does not allow this method on the requested resource');
  }
  const { apiVersion } = asked;
  if (!isRecord(body) || body.kind !== kind || body.apiVersion !== apiVersion) {
    throw new ApiRefusal(
      400,
      `the object provided is unrecognized (must be of type ${kind}, ${apiVersion})`,
    );
  }
  const spec = isRecord(body.spec) ? body.spec : {};
  const status = kind === 'TokenReview' ? whose(spec, known) : mayIt(spec, known);
  return { kind, apiVersion, metadata: {}, spec, status };
}

function whose({ token }: Record<string, unknown>, known: Known): object {
  if (typeof token !== 'string' || token === '') {
    throw new ApiRefusal(400, 'token is required for TokenReview in authentication');
  }
  const account = known.byToken(token);
  // `authenticated` is left out where it is false.
  if (account === undefined) return { user: {}, error: 'invalid bearer token' };
  const groups = ['system:serviceaccounts', 'system:authenticated'];
  return { authenticated: true, user: { username: account.user, uid: 'of-the-account', groups } };
}

function mayIt(spec: Record<string, unknown>, known: Known): object {
  const { user, groups, resourceAttributes, nonResourceAttributes: attributes } = spec;
  const problems = [
    ...(isRecord(resourceAttributes) === isRecord(attributes)
      ? [
          'spec.resourceAttributes: Invalid value: exactly one of nonResourceAttributes or resourceAttributes must be specified',
        ]
      : []),
    ...(user === undefined && groups === undefined
      ? ['spec.user: Invalid value: "": at least one of user or group must be specified']
      : []),
  ];
  if (problems.length > 0) {
    const title = 'SubjectAccessReview.authorization.k8s.io "" is invalid';
    throw new ApiRefusal(422, `${title}: ${problems.join(', ')}`);
  }
  const account = known.byName(String(user));
  const allowed =
    account !== undefined &&
    (isRecord(attributes)
      ? mayGet(account, String(attributes.path), String(attributes.verb))
      : isAllowed(account, attributesIn(resourceAttributes as Record<string, unknown>)));
  return { allowed, ...(allowed ? {} : { reason: '' }) };
}

/** Rules about paths count for the whole cluster only. */
function mayGet({ grants }: Account, path: string, verb: string): boolean {
  return grants.some(
    ({ namespace, rules }) =>
      namespace === undefined &&
      rules.some(
        ({ nonResourceURLs = [], verbs }) =>
          nonResourceURLs.some((url) => covers(url, path)) &&
          (verbs.includes('*') || verbs.includes(verb)),
      ),
  );
}

/** `*` at the end of a rule's path stands for anything. */
function covers(url: string, path: string): boolean {
  return url.endsWith('*') ? path.startsWith(url.slice(0, -1)) : url === path;
}

function attributesIn(asked: Record<string, unknown>) {
  const text = (key: string) => (typeof asked[key] === 'string' ? asked[key] : '');
  const subresource = text('subresource');
  return {
    verb: text('verb') as RequestVerb,
    apiGroup: text('group'),
    resource: subresource === '' ? text('resource') : `${text('resource')}/${subresource}`,
    namespace: text('namespace'),
    name: text('name'),
  };
}
