/** What the installer prints for `--help` and `--version`. */
import { formatUsage } from '../common/flags/usage.ts';
import { type Question, versionLine } from '../wire/version.ts';
import { FLAGS } from './flags.ts';

const PROGRAM = 'kube-ovn-install';

const SUMMARIES: Readonly<Record<keyof typeof FLAGS, string>> = {
  install: "puts the executables and Kube-OVN's CNI configuration onto a node",
  uninstall: 'takes off a node what install has put there',
};

/**
 * @param command that is asked about; the program where there is no such command
 * @returns lines for standard output, without the last line feed
 */
export function answerTo(question: Question, command: string): string {
  const version = versionLine(PROGRAM);
  if (question === 'version') return version;
  const known = Object.keys(FLAGS) as (keyof typeof FLAGS)[];
  const wanted = known.filter((name) => name === command);
  return (wanted.length > 0 ? wanted : known).map(usageOf).join('\n\n');
}

function usageOf(command: keyof typeof FLAGS): string {
  const entries = Object.entries(FLAGS[command]).map(([name, flag]) => {
    const { variable, value, isBoolean, help } = flag;
    const text = variable === undefined ? help : `${help} Variable: ${variable}.`;
    return [name, { default: isBoolean ? value === 'true' : value, text }] as const;
  });
  return formatUsage({
    summary: `${PROGRAM} ${command}: ${SUMMARIES[command]}`,
    commands: [`${PROGRAM}.cjs ${command} [flags]`],
    flags: Object.fromEntries(entries),
    ignored: [],
  });
}
