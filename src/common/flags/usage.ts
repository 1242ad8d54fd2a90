/** The text that `--help` of the daemon, of the controller and of the installer prints. */

/** What the help text of one program is made of. */
export interface Usage {
  /** First line, and what the program is for. */
  readonly summary: string;
  /** One line each: what to type. */
  readonly commands: readonly string[];
  readonly flags: Readonly<Record<string, FlagUsage>>;
  /** Flags of Kube-OVN that are taken, and do nothing here. */
  readonly ignored: readonly string[];
  /** Those of them that end the program where they are on. */
  readonly refused?: readonly string[];
}

/** One flag as the help text shows it. */
export interface FlagUsage {
  /** A boolean makes a flag that may stand without a value. */
  readonly default: string | boolean;
  readonly text: string;
}

const COLUMNS = 100;

/** Lines for standard output, without the last line feed. */
export function formatUsage(usage: Usage): string {
  const { summary, commands, flags, refused = [] } = usage;
  const ignored = usage.ignored.filter((name) => !refused.includes(name));
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
    ...listed("Taken, since Kube-OVN's charts give them, and without effect here:", ignored),
    ...listed('Refused where they are on, since what they ask for is not here:', refused),
  ].join('\n');
}

function listed(heading: string, names: readonly string[]): string[] {
  if (names.length === 0) return [];
  return ['', ...wrapped(heading, ''), ...wrapped([...names].sort().join(', '), '  ')];
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
