/**
 * The whole of a short answer.
 */
import type { Answer } from './exchange.ts';
import { OBJECT_BYTES_MAX } from './oversized.ts';

/**
 * @throws Error where it is longer than an object can be; what undici throws where it breaks, or
 *   is aborted
 */
export async function readText({ body }: Answer): Promise<string> {
  const parts: Buffer[] = [];
  let length = 0;
  // Leaving the loop destroys the stream.
  for await (const part of body as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > OBJECT_BYTES_MAX)
      throw new Error(`the answer has more than ${OBJECT_BYTES_MAX} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}
