/** What a server may send to the executable: whole answers of HTTP/1.0, and everything else. */
import * as fc from 'fast-check';
import { answerBody } from './cni-call.ts';
import { hostileText } from './texts.ts';

export interface HttpAnswer {
  /** A character for each byte. */
  readonly bytes: string;
  /** How the server ends: as HTTP/1.0 does, without an answer, or not at all. */
  readonly end: 'close' | 'drop' | 'never';
  /** True where no program may take it for an answer. */
  readonly isBroken: boolean;
  /** Where the bytes are cut into writes, in parts of the whole. */
  readonly cuts: readonly number[];
}

const status = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(200, 200, 200, 200, 204, 500) },
  { weight: 1, arbitrary: fc.integer({ min: 100, max: 999 }) },
  { weight: 1, arbitrary: fc.constantFrom(100, 301, 404, 503) },
);

const lengthHeader = (length: string | number) => `Content-Length: ${length}\r\n`;

function message(code: number, headers: string, body: string): string {
  const head = `HTTP/1.0 ${code} X\r\nContent-Type: application/json\r\n${headers}\r\n`;
  return bytesOf(head + body);
}

function bytesOf(text: string): string {
  return Buffer.from(text).toString('latin1');
}

type Sent = Pick<HttpAnswer, 'bytes' | 'isBroken'>;

const whole = fc.tuple(status, answerBody, fc.boolean()).map(([code, body, hasLength]): Sent => {
  const header = hasLength ? lengthHeader(Buffer.byteLength(body)) : '';
  return { bytes: message(code, header, body), isBroken: false };
});

const truncated = fc.tuple(status, answerBody, fc.nat()).map(([code, body, at]): Sent => {
  const bytes = message(code, lengthHeader(Buffer.byteLength(body)), body);
  return { bytes: bytes.slice(0, at % bytes.length), isBroken: true };
});

const WRONG_HEADERS = [
  ...['-1', '+2', '0x2', '1e400', '2,2', '18446744073709551616', '', ' ', 'two'].map(lengthHeader),
  'Transfer-Encoding: chunked\r\n',
  `${lengthHeader(1)}${lengthHeader(2)}`,
];
const misframed = fc
  .tuple(status, fc.constantFrom(...WRONG_HEADERS))
  .map(([code, header]): Sent => ({ bytes: message(code, header, '{}'), isBroken: true }));

const garbage = fc
  .oneof(
    fc.string({ unit: fc.nat(255).map((byte) => String.fromCharCode(byte)), maxLength: 200 }),
    hostileText.map(bytesOf),
    fc.constantFrom(
      'HTTP/1.0 200',
      'HTTP/2 200 OK\r\n\r\n{}',
      'HTTP/1.0 20 OK\r\n\r\n{}',
      '\r\n\r\n',
    ),
  )
  .map((bytes): Sent => ({ bytes, isBroken: true }));

const end = fc.oneof(
  { weight: 200, arbitrary: fc.constant<HttpAnswer['end']>('close') },
  { weight: 1, arbitrary: fc.constant<HttpAnswer['end']>('never') },
);
const cuts = fc.oneof(
  { weight: 3, arbitrary: fc.constant<number[]>([]) },
  { weight: 1, arbitrary: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 3 }) },
);

export const httpAnswer: fc.Arbitrary<HttpAnswer> = fc.oneof(
  {
    weight: 20,
    arbitrary: fc
      .tuple(
        fc.oneof(
          { weight: 8, arbitrary: whole },
          { weight: 1, arbitrary: truncated },
          { weight: 1, arbitrary: misframed },
          { weight: 1, arbitrary: garbage },
        ),
        end,
        cuts,
      )
      .map(([sent, how, parts]) => ({
        ...sent,
        isBroken: sent.isBroken || how === 'never',
        end: how,
        cuts: parts,
      })),
  },
  {
    weight: 1,
    arbitrary: fc.constant<HttpAnswer>({
      bytes: '',
      end: 'drop',
      isBroken: true,
      cuts: [],
    }),
  },
);
