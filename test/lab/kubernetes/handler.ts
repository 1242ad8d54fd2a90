/**
 * HTTP requests to the fake API server: reads them, lets the store do them, answers.
 */
import { needsVersion } from './kinds.ts';
import type { HttpRequest, HttpResponse } from './listener.ts';
import type { Lists } from './lists.ts';
import { isRecord, keyOf, type NewObject } from './object.ts';
import type { Resource, Target } from './paths.ts';
import type { RequestVerb } from './requests.ts';
import { predicateOf } from './selectors.ts';
import { ApiRefusal, invalid, success } from './status.ts';
import type { ObjectStore } from './store.ts';
import type { Watches } from './watches.ts';
import type { DeleteOptions, Part } from './writes.ts';

/** What a request was understood as. */
export interface ApiRequest {
  readonly verb: RequestVerb;
  readonly target: Target;
  readonly query: URLSearchParams;
  readonly http: HttpRequest;
}

export interface Backend {
  readonly store: ObjectStore;
  readonly lists: Lists;
  readonly watches: Watches;
}

/** What the real server takes; bytes. */
const BODY_BYTES_MAX = 3 * 1024 * 1024;
const NOTHING_THERE = '404 page not found\n';
const MERGE_PATCH = 'application/merge-patch+json';

/** The verb of a request, also of one to a path where nothing is. */
export function verbOf(
  method: string,
  { searchParams }: URL,
  resource: Resource | undefined,
): RequestVerb {
  if (method === 'GET') {
    const watch = searchParams.get('watch');
    if (watch === 'true' || watch === '1') return 'watch';
    return resource?.name === '' ? 'list' : 'get';
  }
  const verbs: Record<string, RequestVerb> = {
    POST: 'create',
    PUT: 'update',
    PATCH: 'patch',
    DELETE: 'delete',
  };
  return verbs[method] ?? 'get';
}

/**
 * @param target undefined where nothing is
 * @throws ApiRefusal 404 where nothing is, 405 for a method that it does not have
 */
export function understand(
  http: HttpRequest,
  { searchParams: query }: URL,
  { verb, target }: { verb: RequestVerb; target: Target | undefined },
): ApiRequest {
  if (target === undefined) throw new ApiRefusal(404, NOTHING_THERE, { isPlain: true });
  const ofCollection = verb === 'list' || verb === 'create' || verb === 'watch';
  if (ofCollection !== (target.name === '') || (target.isStatus && verb === 'delete')) {
    throw new ApiRefusal(405, 'the server does not allow this method on the requested resource');
  }
  return { verb, target, query, http };
}

/** Does what the request asks, and answers. @throws ApiRefusal */
export async function serve(request: ApiRequest, response: HttpResponse, backend: Backend) {
  const { verb, target } = request;
  const { store, lists } = backend;
  const { kind, isStatus } = target;
  const key = keyOf(target);
  const part: Part = isStatus ? 'status' : 'main';
  switch (verb) {
    case 'get':
      return answer(response, 200, store.get(kind, key));
    case 'list':
      return answer(response, 200, lists.list(kind, listOptions(request)));
    case 'watch':
      return openWatch(request, response, backend.watches);
    case 'create':
      return answer(
        response,
        201,
        store.create(kind, placed(await readBody(request), target), part),
      );
    case 'update':
      return answer(
        response,
        200,
        store.replace(kind, key, replacement(await readBody(request), target), part),
      );
    case 'patch':
      return answer(response, 200, store.patch(kind, key, await readPatch(request), part));
    case 'delete': {
      const { object, isGone } = store.delete(kind, key, await readDeleteOptions(request));
      const { name, uid = '' } = object.metadata;
      return answer(response, 200, isGone && !kind.graceful ? success(name, kind, uid) : object);
    }
  }
}

/** Sends JSON. */
export function answer(response: HttpResponse, status: number, body: object): void {
  response.writeHead(status, { 'Content-Type': 'application/json' });
  response.end(JSON.stringify(body));
}

/** Sends a Status, or the text that the real server sends where it serves nothing. */
export function refuse(response: HttpResponse, refusal: ApiRefusal): void {
  const { code, message, isPlain } = refusal;
  if (!isPlain) {
    answer(response, code, refusal.toStatus());
    return;
  }
  response.writeHead(code, { 'Content-Type': 'text/plain; charset=utf-8' });
  response.end(message);
}

function selectionOf({ query, target }: ApiRequest) {
  return {
    namespace: target.namespace,
    fieldSelector: query.get('fieldSelector') ?? '',
    labelSelector: query.get('labelSelector') ?? '',
  };
}

function listOptions(request: ApiRequest) {
  const { query } = request;
  const next = query.get('continue') ?? '';
  return {
    ...selectionOf(request),
    resourceVersion: query.get('resourceVersion') ?? '',
    limit: Number(query.get('limit') ?? 0),
    ...(next === '' ? {} : { continue: next }),
  };
}

function openWatch(request: ApiRequest, response: HttpResponse, watches: Watches): void {
  const { query, target } = request;
  const resourceVersion = query.get('resourceVersion') ?? '';
  if (!/^\d*$/.test(resourceVersion)) {
    throw new ApiRefusal(400, `Invalid value: "${resourceVersion}": invalid resource version`);
  }
  watches.open({
    kind: target.kind,
    isSelected: predicateOf(target.kind, selectionOf(request)),
    resourceVersion,
    wantsBookmarks: query.get('allowWatchBookmarks') === 'true',
    timeoutSeconds: Number(query.get('timeoutSeconds') ?? 0),
    response,
  });
}

/** A new object belongs to the namespace of the path. */
function placed(body: NewObject, { namespace, kind }: Target): NewObject {
  if (!kind.namespaced) return body;
  const { namespace: own = namespace } = body.metadata ?? {};
  if (namespace === '' || own !== namespace) {
    throw new ApiRefusal(
      400,
      'the namespace of the provided object does not match the namespace sent on the request',
    );
  }
  return { ...body, metadata: { ...body.metadata, namespace } };
}

function replacement(body: NewObject, { kind, name }: Target): NewObject {
  const { name: own, resourceVersion } = body.metadata ?? {};
  if (own !== name)
    throw new ApiRefusal(
      400,
      `the name of the object (${own}) does not match the name on the URL (${name})`,
    );
  if (needsVersion(kind) && resourceVersion === undefined) {
    throw invalid(
      kind,
      name,
      'metadata.resourceVersion: Invalid value: 0: must be specified for an update',
    );
  }
  return body;
}

async function readPatch(request: ApiRequest): Promise<object> {
  const type = String(request.http.headers['content-type'] ?? '').split(';')[0];
  if (type === MERGE_PATCH) return readBody(request);
  throw new ApiRefusal(
    415,
    `the body of the request was in an unknown format - accepted media types include: ${MERGE_PATCH}`,
  );
}

async function readDeleteOptions(request: ApiRequest): Promise<DeleteOptions> {
  const { query } = request;
  const body = await readBytes(request);
  const options = body.length > 0 ? (parseBody(body, request) as DeleteOptions) : {};
  const asked = query.get('gracePeriodSeconds');
  return asked === null ? options : { ...options, gracePeriodSeconds: Number(asked) };
}

async function readBody(request: ApiRequest): Promise<NewObject> {
  return parseBody(await readBytes(request), request);
}

async function readBytes({ http }: Pick<ApiRequest, 'http'>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of http) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) throw new ApiRefusal(413, `limit is ${BODY_BYTES_MAX}`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** A body whose kind the server does not keep. @throws ApiRefusal 400, 413 */
export async function readJson(http: HttpRequest): Promise<unknown> {
  const bytes = await readBytes({ http });
  try {
    return JSON.parse(bytes.toString());
  } catch {
    throw new ApiRefusal(400, 'the object provided is unrecognized (must be of type JSON)');
  }
}

function parseBody(bytes: Buffer, { target }: ApiRequest): NewObject {
  let body: unknown;
  try {
    body = JSON.parse(bytes.toString());
  } catch {
    throw new ApiRefusal(400, 'the object provided is unrecognized (must be of type JSON)');
  }
  if (!isRecord(body)) throw new ApiRefusal(400, `${target.kind.kind} in the body is no object`);
  return body;
}
