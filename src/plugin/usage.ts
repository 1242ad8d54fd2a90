/** What the executable says to a person who runs it by hand; a runtime gives it no arguments. */
import { type Question, versionLine } from '../wire/version.ts';
import { COMMANDS } from './invocation.ts';
import { CNI_VERSIONS } from './network-config.ts';

const PROGRAM = 'kube-ovn';

/** @returns lines for standard output, without the last line feed */
export function answerTo(question: Question): string {
  const version = versionLine(PROGRAM);
  const specification = `CNI specification ${CNI_VERSIONS.join(', ')}`;
  if (question === 'version') return `${version}\n${specification}`;
  return `${version}: the CNI executable of the node daemon kube-ovn-cni

A container runtime or Multus runs it, by the CNI specification: the verb is in CNI_COMMAND
(${COMMANDS.join(', ')}), the attachment in CNI_CONTAINERID, CNI_NETNS, CNI_IFNAME and CNI_ARGS,
the network configuration on standard input. It takes no other arguments than these:

  --help      this text
  --version   this executable's version and those of the specification that it speaks

Try it: CNI_COMMAND=VERSION ${PROGRAM}`;
}
