/**
 * Which interfaces of the node a text means, as Kube-OVN takes `--iface` and the node's annotation
 * `ovn.kubernetes.io/tunnel_interface`: the name of an interface, or regular expressions with commas
 * between them, each of which may match anywhere in a name.
 *
 * They are RE2, as in Go, and are matched by automata: in time linear in the name, whatever the
 * expression is. A RegExp of JavaScript's would understand them differently, and hold up the event loop
 * with one like `(a+)+$`.
 */
import { RE2JS, RE2JSSyntaxException } from 're2js';
import { messageOf, show } from '../../common/text.ts';

/** Longer than any list of interfaces of one kind of node; characters. */
const TEXT_MAX = 1024;

/** A text that was read, and which names it means. */
export interface InterfacePatterns {
  /** As it was written. */
  readonly text: string;
  /** The names of `names` that are meant, in that order. An exact name excludes all others. */
  readonly matches: (names: readonly string[]) => string[];
}

/**
 * @param source flag or annotation that the text stands in
 * @throws Error that names the source and what is wrong in the expression
 */
export function parseInterfacePatterns(source: string, text: string): InterfacePatterns {
  if (text.length > TEXT_MAX) {
    throw new Error(`${source}: expected at most ${TEXT_MAX} characters, not ${text.length}`);
  }
  const patterns = text.split(',').map((part) => compile(source, part));
  return {
    text,
    matches: (names) =>
      names.includes(text)
        ? [text]
        : names.filter((name) => patterns.some((pattern) => pattern.matcher(name).find())),
  };
}

function compile(source: string, part: string): RE2JS {
  // Between two commas nothing would match every interface.
  if (part.trim() === '') throw wrong(source, part, 'it is empty');
  try {
    return RE2JS.compile(part.trim());
  } catch (error) {
    // Its message has the whole expression in it.
    const isSyntax = error instanceof RE2JSSyntaxException;
    throw wrong(source, part, isSyntax ? error.getDescription() : messageOf(error));
  }
}

function wrong(source: string, part: string, why: string): Error {
  return new Error(
    `${source}: expected the name of an interface, or regular expressions with commas between them, but in ${show(part)}: ${why}`,
  );
}
