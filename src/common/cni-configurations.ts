/**
 * CNI configurations of a node. A runtime takes the first by name whose name ends as `EXTENSION` says
 * (libcni, `ConfFiles`); so does Multus for the default network.
 */
import { closeSync, constants, fstatSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const EXTENSION = /\.(conf|conflist|json)$/;
/** More is no configuration. */
const BYTES_MAX = 256 * 1024;

/** One file of a folder of CNI configurations. Its content was not checked by anybody. */
export interface CniConfiguration {
  /** Its name in the folder. */
  readonly file: string;
  /** Parsed JSON; undefined where it is none, too long, or cannot be read. */
  readonly content: unknown;
}

/** True for names that a runtime looks at. */
export function isConfigurationName(name: string): boolean {
  return EXTENSION.test(name);
}

/**
 * The configurations of a folder in the order in which runtimes look at them, each read when it is
 * asked for.
 * @param resolve the path by which this process reaches one, where that is another
 * @throws Error where the folder cannot be read
 */
export function* configurationsIn(
  folder: string,
  resolve: (path: string) => string = (path) => path,
): Generator<CniConfiguration> {
  for (const file of readdirSync(resolve(folder)).filter(isConfigurationName).sort()) {
    const found = read(resolve(join(folder, file)));
    if (!found.isFolder) yield { file, content: parseJson(found.text) };
  }
}

/** A configuration's text; undefined where it cannot be read or is too long. */
export function readConfigurationText(path: string): string | undefined {
  return read(path).text;
}

/** The value that a JSON text says; undefined where there is no text, or where it is no JSON. Never throws. */
export function parseJson(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

interface Found {
  /** Multus keeps a folder there whose name may end likewise. */
  readonly isFolder?: boolean;
  readonly text?: string;
}

/** Nothing waits for a pipe or a device. */
function read(path: string): Found {
  let file: number | undefined;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const found = fstatSync(file);
    if (found.isDirectory()) return { isFolder: true };
    return found.isFile() && found.size <= BYTES_MAX ? { text: readFileSync(file, 'utf8') } : {};
  } catch {
    return {};
  } finally {
    if (file !== undefined) closeSync(file);
  }
}
