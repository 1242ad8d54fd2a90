/** What a refusal of the daemon's own must look like: a person reads it. */
import type { CniError } from '../../../src/daemon/call/error.ts';
import { isOneLine, must } from './types.ts';

const CHARS_MAX = 1200;

/** @throws Error where a person, or a runtime, could not read it */
export function checkCniError(
  { code, message, details }: CniError,
  codes: readonly number[],
): void {
  must(codes.includes(code), 'the code is one of those that are said', { code, message });
  must(message !== '' && isOneLine(message), 'a message is one line', message);
  must(isOneLine(details), 'details are one line', details);
  must(message.length + details.length < CHARS_MAX, 'an error is short', message.length);
}
