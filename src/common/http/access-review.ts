/**
 * Who may read `/metrics` with secure serving: whoever the API server knows by the bearer token
 * (TokenReview) and lets get this path (SubjectAccessReview), as kube-rbac-proxy and Kube-OVN do it.
 */
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import Type, { type Static, type TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { Slots } from '../concurrency/slots.ts';
import type { KubernetesApi } from '../kubernetes/api.ts';
import type { Logger } from '../log.ts';
import { Outage } from '../outage.ts';
import { messageOf } from '../text.ts';
import type { Access } from './health-server.ts';

const TOKEN_REVIEWS = '/apis/authentication.k8s.io/v1/tokenreviews';
const ACCESS_REVIEWS = '/apis/authorization.k8s.io/v1/subjectaccessreviews';

const TOKEN_REVIEW = Type.Object({
  status: Type.Object({
    authenticated: Type.Optional(Type.Boolean()),
    user: Type.Optional(
      Type.Object({
        username: Type.Optional(Type.String()),
        uid: Type.Optional(Type.String()),
        groups: Type.Optional(Type.Array(Type.String())),
        extra: Type.Optional(Type.Record(Type.String(), Type.Array(Type.String()))),
      }),
    ),
  }),
});
const ACCESS_REVIEW = Type.Object({ status: Type.Object({ allowed: Type.Boolean() }) });

/** What a bearer token is made of: RFC 6750, section 2.1. */
const BEARER = /^Bearer +([\w.~+/-]+=*) *$/i;
/** How long a decision holds, as in kube-rbac-proxy's place in controller-runtime; ms. */
const ALLOWED_MS = 60_000;
const REFUSED_MS = 10_000;
/** Tokens whose decision is kept: Prometheus has one. */
const DECISIONS_MAX = 64;
/** Reviews at a time: whoever sends nonsense in a loop has no more of the API server. */
const REVIEWS_AT_ONCE = 4;
/**
 * A place in which a token was not let in is free again after this, whether its caller has waited or
 * not: with all places taken these are 40 reviews a second, and whoever is last of the callers that may
 * be connected waits for 3 s; ms.
 */
const REFUSED_REST_MS = 100;

interface Decision {
  readonly access: Access;
  readonly until: number;
}

/**
 * Decides for each request whether its bearer token may read the path. Decisions are kept, one minute where
 * access is allowed and 10 s where it is not; at most four reviews are in flight.
 */
export class AccessReview {
  readonly #api: Pick<KubernetesApi, 'create'>;
  readonly #outage: Outage;
  readonly #slots = new Slots(REVIEWS_AT_ONCE);
  /** By the token's hash and the path. */
  readonly #decisions = new Map<string, Decision>();

  constructor(api: Pick<KubernetesApi, 'create'>, log: Logger) {
    this.#api = api;
    this.#outage = new Outage(log, {
      fields: {},
      lost: 'nobody can read metrics: tokens cannot be reviewed by the API server; unless the reason says otherwise, grant the service account create on tokenreviews and subjectaccessreviews',
      back: 'metrics can be read again',
    });
  }

  /** @throws what aborts `signal` */
  async decide({ headers, url = '' }: IncomingMessage, signal: AbortSignal): Promise<Access> {
    const token = BEARER.exec(headers.authorization ?? '')?.[1];
    if (token === undefined) return { status: 401, reason: 'a bearer token is needed' };
    const path = url.split('?', 1)[0] ?? '';
    const key = createHash('sha256').update(`${path} ${token}`).digest('base64');
    const kept = this.#decisions.get(key);
    if (kept !== undefined && kept.until > performance.now()) return kept.access;
    return await this.#slots.run(() => this.#inPlace(key, { token, path }, signal), signal);
  }

  async #inPlace(
    key: string,
    asked: { token: string; path: string },
    signal: AbortSignal,
  ): Promise<Access> {
    let isAllowed = false;
    try {
      const access = await this.#review(key, asked, signal);
      isAllowed = access.status === 200;
      return access;
    } finally {
      if (!isAllowed) await sleep(REFUSED_REST_MS);
    }
  }

  async #review(
    key: string,
    { token, path }: { token: string; path: string },
    signal: AbortSignal,
  ): Promise<Access> {
    try {
      const access = await this.#ask(token, path, signal);
      this.#outage.end(performance.now());
      this.#keep(key, access);
      return access;
    } catch (error) {
      signal.throwIfAborted();
      this.#outage.begin(messageOf(error));
      return { status: 503, reason: 'the API server cannot review the token now' };
    }
  }

  async #ask(token: string, path: string, signal: AbortSignal): Promise<Access> {
    const tokenReview = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenReview',
      spec: { token },
    };
    const { status } = read(
      TOKEN_REVIEW,
      await this.#api.create(TOKEN_REVIEWS, tokenReview, signal),
    );
    const { authenticated, user } = status;
    if (authenticated !== true || user?.username === undefined) {
      return { status: 401, reason: 'the API server does not know this token' };
    }
    const { username, uid = '', groups = [], extra = {} } = user;
    const accessReview = {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      spec: { user: username, uid, groups, extra, nonResourceAttributes: { path, verb: 'get' } },
    };
    const review = read(
      ACCESS_REVIEW,
      await this.#api.create(ACCESS_REVIEWS, accessReview, signal),
    );
    return review.status.allowed
      ? { status: 200, reason: '' }
      : {
          status: 403,
          reason: `this account may not get the path ${path}: grant it by a ClusterRole`,
        };
  }

  #keep(key: string, access: Access): void {
    const ms = access.status === 200 ? ALLOWED_MS : REFUSED_MS;
    this.#decisions.delete(key);
    this.#decisions.set(key, { access, until: performance.now() + ms });
    const [oldest] = this.#decisions.keys();
    if (this.#decisions.size > DECISIONS_MAX && oldest !== undefined) {
      this.#decisions.delete(oldest);
    }
  }
}

function read<T extends TSchema>(schema: T, answer: unknown): Static<T> {
  if (Value.Check(schema, answer)) return answer;
  throw new Error('the API server answered a review with something else');
}
