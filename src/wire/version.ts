/**
 * The version that the programs name, and the words by which they are asked for it: `--help` and
 * `--version` end a program before it begins, in a container as on a command line.
 */

/** Put in by scripts/build.ts: that of package.json. */
declare const BUILD_VERSION: string | undefined;

/** `unbuilt` where the sources run as they are. */
export const VERSION = typeof BUILD_VERSION === 'string' ? BUILD_VERSION : 'unbuilt';

/** What a command line may ask for instead of the program's work. */
export type Question = 'help' | 'version';

/**
 * What a command line asks for instead of the program's work. `-v` is klog's verbosity, and no
 * question.
 */
export function questionOf(argv: readonly string[]): Question | undefined {
  const [first] = argv;
  if (first === 'help' || argv.includes('--help') || argv.includes('-h')) return 'help';
  if (first === 'version' || argv.includes('--version')) return 'version';
  return undefined;
}

/** The line that `--version` prints. */
export function versionLine(program: string): string {
  return `${program} ${VERSION}`;
}
