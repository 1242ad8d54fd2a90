/** Requests on the daemon's socket: any path, any type of content, any body. */
import * as fc from 'fast-check';
import { prevResults, validAttachmentList } from './cni-call.ts';
import { type Members, membersOf, nearObject, nearText, oddValue } from './json.ts';
import { cniRequest } from './requests.ts';
import { almost, hostileText } from './texts.ts';

export interface HttpRequest {
  readonly method: string;
  readonly url: string;
  readonly contentType: string | undefined;
  readonly body: string;
}

const url = fc.oneof(
  {
    weight: 40,
    arbitrary: fc
      .constantFrom('add', 'add', 'del', 'check', 'gc', 'status')
      .map((verb) => `/api/v1/${verb}`),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      ...['/', '//', '/api/v1/', '/api/v1/ADD', '/api/v1/%61dd', '/api/v1/add/', '/api/v1/add?a=b'],
      ...[
        '/%',
        '/%ff',
        '/%00',
        '/api/v1/%2e%2e/add',
        '/api//v1/add',
        '/api/v1/add#a',
        '/__proto__',
      ],
      ...['/api/v1/add%0d%0a', `/${'a'.repeat(5000)}`, '*'],
    ),
  },
);

const contentType = fc.oneof(
  { weight: 40, arbitrary: fc.constant('application/json') },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      ...[undefined, '', 'text/plain', 'application/x-www-form-urlencoded', 'APPLICATION/JSON'],
      ...[
        'application/json; charset=utf-16',
        'application/json;',
        'multipart/form-data',
        '*/*',
        'a',
      ],
    ),
  },
);

const method = fc.oneof(
  { weight: 60, arbitrary: fc.constant('POST') },
  { weight: 1, arbitrary: fc.constantFrom('GET', 'PUT', 'DELETE', 'PATCH', 'OPTIONS') },
);

const FIELDS = [
  ...['cni_type', 'pod_name', 'pod_namespace', 'container_id', 'net_ns', 'if_name', 'provider'],
  ...['routes', 'dns', 'vf_driver', 'deviceID', 'vhost_user_socket_volume_name', 'pod_uid'],
  ...['network', 'bandwidth', 'prev_result', 'valid_attachments'],
];

/** One object for all verbs: each takes what it knows of it. */
const members = nearObject(
  fc
    .tuple(cniRequest, prevResults.right, validAttachmentList.right)
    .map(
      ([request, earlier, valid]): Members => [
        ...membersOf({ ...request }),
        ['prev_result', earlier],
        ['valid_attachments', valid],
      ],
    ),
  {
    prev_result: fc.oneof(prevResults.near, oddValue),
    valid_attachments: validAttachmentList.near,
    pod_name: fc.oneof(
      almost(fc.constant('web-0')).map((text) => JSON.stringify(text)),
      oddValue,
    ),
  },
  FIELDS,
);

export const httpRequest: fc.Arbitrary<HttpRequest> = fc.record({
  method,
  url,
  contentType,
  body: fc.oneof(
    { weight: 20, arbitrary: nearText(members) },
    { weight: 1, arbitrary: hostileText },
  ),
});
