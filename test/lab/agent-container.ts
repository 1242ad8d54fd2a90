/** The agent's container as Kube-OVN's charts start it: by start-cniserver.sh of our image. */
import { spawn } from 'node:child_process';
import type { ImageRoot } from './image-root.ts';
import { Program } from './program.ts';

/** Of both charts. */
const COMMAND = ['bash', '/kube-ovn/start-cniserver.sh'];

/** What the container gets beside the flags of its chart. */
export interface AgentOptions {
  readonly command?: readonly string[];
  readonly flags: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

export class AgentContainer extends Program {
  /** Starts the script and waits until the daemon takes calls. */
  static async start(image: ImageRoot, options: AgentOptions): Promise<AgentContainer> {
    const agent = AgentContainer.begin(image, options);
    await agent.becomes('ready for CNI calls');
    return agent;
  }

  /** Starts the script. */
  static begin(image: ImageRoot, options: AgentOptions): AgentContainer {
    const { command = COMMAND, flags, environment } = options;
    const [file = '', ...args] = image.within([...command, ...flags]);
    const env = { ...image.environment, ...environment };
    return new AgentContainer(
      'agent',
      spawn(file, args, { env, stdio: ['ignore', 'pipe', 'pipe'] }),
    );
  }
}
