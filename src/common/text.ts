/**
 * Values and errors as texts for people. Pure.
 */

/** A value for people, quoted, bounded in length, with all that is not visible escaped. */
export function show(value: unknown): string {
  const text = asJson(value).replace(INVISIBLE, (found) => {
    return `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
  // Half of a character may be left at the cut.
  const cut = text.slice(0, SHOWN_CHARS_MAX).toWellFormed();
  return text.length > SHOWN_CHARS_MAX ? `${cut}…` : text;
}

/** A value for people, before anything of it was checked: a plain word as it is, else as `show` has it. */
export function plain(value: unknown): string {
  return typeof value === 'string' && /^[\w.:/%?&=@+~-]{1,256}$/.test(value) ? value : show(value);
}

const SHOWN_CHARS_MAX = 200;
/**
 * What JSON leaves as it is: control characters from U+007F on, line ends, and those that turn the
 * direction of a line around. None of them has a code above U+FFFF.
 */
const INVISIBLE = /[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

function asJson(value: unknown): string {
  // What is cut off anyway costs nothing.
  if (typeof value === 'string') return JSON.stringify(value.slice(0, SHOWN_CHARS_MAX + 1));
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    // Nested deeper than the stack is.
    return `a nested ${typeof value}`;
  }
}

/** The message of whatever was thrown. Never throws. */
export function messageOf(thrown: unknown): string {
  try {
    return thrown instanceof Error ? `${thrown.message}` : String(thrown);
  } catch {
    // No text can be made of it: an object without prototype, or one whose own methods throw.
    return `a thrown ${typeof thrown}`;
  }
}
