/** What an image's programs say when they are asked, and that what `kubectl ko` runs is there. */
import type { ContainerSpec } from './containerd.ts';
import type { Lab } from './run.ts';

const PROGRAMS = ['kube-ovn', 'kube-ovn-cni', 'kube-ovn-controller'];

/** Nothing that a pod could do without: no user but nobody, no capability, nothing to write to. */
export function bare(name: string, argv: readonly string[]): ContainerSpec {
  return {
    name,
    argv,
    environment: {},
    mounts: [],
    sharesProcesses: false,
    privileged: false,
    user: 65534,
    readOnly: true,
    capabilities: [],
    dropsAll: true,
    allowsNewPrivileges: false,
    memoryBytes: 2 ** 29,
  };
}

export async function checkPrograms({ containerd, image, outcomes }: Lab): Promise<void> {
  for (const program of PROGRAMS) {
    for (const flag of ['--version', '--help']) {
      await outcomes.check(`${program} ${flag}`, async () => {
        const spec = bare('ask', [`/kube-ovn/${program}`, flag]);
        const { exitCode, stdout, stderr } = await containerd.run(image, spec);
        if (exitCode !== 0 || !stdout.includes(program)) {
          throw new Error(`ended with ${exitCode}: ${stdout}${stderr}`);
        }
        return stdout.split('\n')[0];
      });
    }
  }
  await outcomes.check('what it does by itself ends with 0, and says what it is', async () => {
    const spec = bare('default', ['dumb-init', '--', '/kube-ovn/kube-ovn-cni', '--help']);
    const { exitCode, stdout } = await containerd.run(image, spec);
    if (exitCode !== 0) throw new Error(`ended with ${exitCode}`);
    return stdout.split('\n')[0];
  });
}
