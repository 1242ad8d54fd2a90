/** That a container has the rights that its manifest gives it, and no others. */
import type { ChartContainer } from '../../test/lab/chart-pods.ts';
import type { RunningContainer } from './containerd.ts';
import type { Outcomes } from './outcomes.ts';

/** Their numbers, capabilities(7), of those that the component ovn has. */
const CAPABILITIES: Readonly<Record<string, number>> = { NET_ADMIN: 12, NET_RAW: 13 };

export async function checkConfinement(
  running: RunningContainer,
  { name, securityContext = {} }: ChartContainer,
  outcomes: Outcomes,
): Promise<void> {
  const { add = [] } = securityContext.capabilities ?? {};
  await outcomes.check(`rights of ${name}`, async () => {
    const mask = add.reduce((sum, one) => sum + 2 ** bitOf(one), 0);
    const expected = {
      CapEff: mask.toString(16).padStart(16, '0'),
      NoNewPrivs: '1',
      Seccomp: '2',
    };
    const status = await running.exec(['cat', '/proc/self/status']);
    for (const [field, value] of Object.entries(expected)) {
      const [, is] = new RegExp(`^${field}:\\s*(\\S+)$`, 'm').exec(status) ?? [];
      if (is !== value) throw new Error(`${field} is ${is}, expected ${value}`);
    }
    const wrote = await running.exec(['touch', '/x']).then(
      () => true,
      () => false,
    );
    if (wrote) throw new Error('its root can be written to');
    return [...add, 'seccomp', 'no new privileges', 'read-only root'].join(', ');
  });
}

function bitOf(capability: string): number {
  const bit = CAPABILITIES[capability];
  if (bit === undefined) throw new Error(`the number of ${capability} is not known here`);
  return bit;
}
