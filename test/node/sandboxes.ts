/** The sandboxes of a test, which go after it. */
import { outcomeOf } from '../lab/command.ts';
import type { Sandbox } from '../lab/runtime.ts';
import { type Fixture, ovnConfig } from './fixture.ts';
import { interfacesOf, mustDelete } from './observe.ts';

/** Ends sandboxes with the DELs that a runtime sends for what they have in OVS. */
export async function endSandboxes(fixture: Fixture, sandboxes: readonly Sandbox[]): Promise<void> {
  for (const sandbox of sandboxes) {
    for (const { external_ids } of await interfacesOf(fixture.node, sandbox)) {
      const { provider, if_name = '' } = external_ids;
      await mustDelete(sandbox, if_name, ovnConfig({ provider }));
    }
    await outcomeOf('ip', ['netns', 'delete', sandbox.netnsName]);
  }
}
