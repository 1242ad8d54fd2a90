/** The built controller as a child process. */
import { NB_DATABASE } from './ovn-node.ts';
import { Program, type ProgramOptions, spawnBundle } from './program.ts';

export interface ControllerOptions extends ProgramOptions {
  /** Undefined where no OVN is: then the controller only manages addresses. */
  readonly northbound?: string | undefined;
  /** Its name as a candidate for the Lease. */
  readonly podName?: string;
  /** Where the Lease is. */
  readonly namespace?: string;
  /** True where probes are answered: the port is taken where several controllers have one address. */
  readonly hasProbes?: boolean;
}

export class Controller extends Program {
  /** Starts the controller, and waits until it leads and knows all objects. */
  static async start(options: ControllerOptions): Promise<Controller> {
    const controller = Controller.#spawn(options);
    await controller.becomes('all objects are followed');
    return controller;
  }

  /** Starts the controller, and waits until it stands by while another one leads. */
  static async standBy(options: ControllerOptions): Promise<Controller> {
    const controller = Controller.#spawn(options);
    await controller.becomes('standing by: waiting for the Lease');
    return controller;
  }

  static #spawn(options: ControllerOptions): Controller {
    const { podName = 'kube-ovn-controller-0', namespace = 'kube-system' } = options;
    const northbound = 'northbound' in options ? options.northbound : NB_DATABASE;
    const args = [
      ...(options.hasProbes ? [] : ['--probe-port=0']),
      ...(northbound === undefined ? [] : [`--ovn-nb-addr=${northbound}`]),
    ];
    const environment = {
      POD_NAME: podName,
      POD_NAMESPACE: namespace,
      ...options.environment,
    };
    return new Controller(
      'controller',
      spawnBundle('kube-ovn-controller.cjs', args, { ...options, environment }),
    );
  }
}
