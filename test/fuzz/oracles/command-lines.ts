/**
 * Which command lines the daemon may run at all: a grammar for each tool, and a type for each place
 * in it. Whatever else stands on a command line was smuggled in.
 */
import { checkIpBatch, IP_ARGUMENTS } from './ip-lines.ts';
import { isAddress, isLinkName, isPlainPath, must } from './types.ts';
import { checkVsctlCommands } from './vsctl-commands.ts';
import { fitsOne, type Shape } from './words.ts';

/** One run of a tool. */
export interface ToolRun {
  readonly tool: string;
  readonly args: readonly string[];
  readonly stdin: string;
}

const isControlSocket = (text: string) => isPlainPath(text) && text.endsWith('.ctl');
const isSysctl = (text: string) => {
  const [root, family, conf, name = '', assignment = '', ...rest] = text.split('/');
  return (
    [root, family, conf].join('/') === 'net/ipv6/conf' &&
    isLinkName(name) &&
    ['disable_ipv6=0', 'accept_ra=0'].includes(assignment) &&
    rest.length === 0
  );
};
const isIpv4 = (text: string) => isAddress(text, 4);
const isIpv6 = (text: string) => isAddress(text, 6);

/** The arguments that each tool may have. */
const ARGUMENTS: Readonly<Record<string, readonly Shape[]>> = {
  ip: IP_ARGUMENTS,
  arping: [
    ['-f', '-w', '600', '-I', isLinkName, isIpv4],
    ['-D', '-f', '-c', '2', '-w', '2', '-I', isLinkName, isIpv4],
  ],
  ping: [['-6', '-n', '-O', '-c', '1', '-w', '600', '-I', isLinkName, isIpv6]],
  ethtool: [['-K', isLinkName, 'tx', 'off']],
  sysctl: [['-q', '-w', isSysctl, isSysctl]],
  true: [[]],
  'ovs-appctl': [
    ['-vconsole:off', '--timeout=1', '-t', isControlSocket, 'version'],
    ['-vconsole:off', '--timeout=1', '-t', isControlSocket, 'connection-status'],
  ],
};

const VSCTL_OPTION = /^(--db=unix:[\w./-]+|--timeout=\d+|--no-wait|--format=json|-vconsole:off)$/;

/** @throws Error where a tool would be told what nobody of ours tells it */
export function checkToolRun({ tool, args, stdin }: ToolRun): void {
  if (tool === 'nsenter') {
    const [where = '', inner = '', ...rest] = args;
    const netns = where.slice('--net='.length);
    must(where.startsWith('--net=') && isPlainPath(netns), 'nsenter enters a plain path', args);
    checkToolRun({ tool: inner, args: rest, stdin });
    return;
  }
  if (tool === 'ovs-vsctl') {
    const first = args.indexOf('--');
    const options = args.slice(0, first);
    must(
      first >= 0 && options.every((option) => VSCTL_OPTION.test(option)),
      'options of ovs-vsctl are ours',
      args,
    );
    checkVsctlCommands(args.slice(first));
    return;
  }
  must(
    fitsOne(args, ARGUMENTS[tool] ?? []),
    `arguments of ${tool} are as its grammar has them`,
    args,
  );
  if (args.includes('-batch')) checkIpBatch(stdin);
  else must(stdin === '', `${tool} gets no input`, stdin);
}
