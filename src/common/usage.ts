/** The text that `--help` of the daemon, of the controller and of the installer prints. */

export interface Usage {
  /** First line, and what the program is for. */
  readonly summary: string;
  /** One line each: what to type. */
  readonly commands: readonly string[];
  readonly flags: Readonly<Record<string, FlagUsage>>;
  /** Flags of Kube-OVN that are taken, and do nothing here. */
  readonly ignored: readonly string[];
}

export interface FlagUsage {
  /** A boolean makes a flag that may stand without a value. */
  readonly default: string | boolean;
  readonly text: string;
}

const COLUMNS = 100;

/** Lines for standard output, without the last line feed. */
export function formatUsage({ summary, commands, flags, ignored }: Usage): string {
  const names = Object.keys(flags).sort();
  return [
    summary,
    '',
    ...commands.map((command, index) => `${index === 0 ? 'usage:' : '      '} ${command}`),
    '',
    ...names.flatMap((name) => {
      const { default: value, text } = flags[name] as FlagUsage;
      const word = typeof value === 'boolean' ? `--${name}` : `--${name}=VALUE`;
      const given = value === '' ? '' : ` (default ${value})`;
      return [`  ${word}`, ...wrapped(`${text}${given}`, '        ')];
    }),
    ...(ignored.length === 0 ? [] : ignoredLines(ignored)),
  ].join('\n');
}

function ignoredLines(ignored: readonly string[]): string[] {
  return [
    '',
    ...wrapped("Taken, since Kube-OVN's charts give them, and without effect here:", ''),
    ...wrapped([...ignored].sort().join(', '), '  '),
  ];
}

/** Breaks a text between words. */
function wrapped(text: string, indent: string): string[] {
  const lines: string[] = [];
  let line = indent;
  for (const word of text.split(' ')) {
    const isFull = line.length + 1 + word.length > COLUMNS && line !== indent;
    if (isFull) {
      lines.push(line);
      line = indent;
    }
    line += line === indent ? word : ` ${word}`;
  }
  return [...lines, line];
}
