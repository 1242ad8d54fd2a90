/**
 * Log lines about Events that people do not get to see: one when that begins and one when it is
 * over, whatever the number of events.
 */
import type { Logger } from '../log.ts';
import { Outage } from '../outage.ts';
import { messageOf } from '../text.ts';
import { KubernetesError } from './error.ts';

/** What is done to events: each is granted on its own. */
type EventVerb = 'create' | 'patch';

export class EventLog {
  readonly #failing: Outage;
  readonly #overflow: Outage;
  readonly #forbidden: Readonly<Record<EventVerb, Outage>>;

  constructor(log: Logger) {
    this.#failing = new Outage(log, {
      fields: {},
      lost: 'Kubernetes events are lost: they cannot be written to the API server',
      back: 'Kubernetes events are written again',
    });
    this.#overflow = new Outage(log, {
      fields: {},
      lost: 'Kubernetes events are lost: more are recorded than the API server takes',
      back: 'the Kubernetes events that waited are written: new ones are taken again',
    });
    const forbidden = (verb: EventVerb) =>
      new Outage(log, {
        fields: { verb },
        lost: "Kubernetes events are lost: the API server forbids to write them; unless the reason says otherwise, grant the cluster role of this program's service account the verbs create and patch on events",
        back: 'Kubernetes events are no longer forbidden',
      });
    this.#forbidden = { create: forbidden('create'), patch: forbidden('patch') };
  }

  /** A request succeeded. */
  written(verb: EventVerb): void {
    const now = performance.now();
    this.#failing.end(now);
    this.#forbidden[verb].end(now);
  }

  /** A request failed, and its event is given up. */
  failed(verb: EventVerb, error: unknown): void {
    const isForbidden = error instanceof KubernetesError && error.status === 403;
    const outage = isForbidden ? this.#forbidden[verb] : this.#failing;
    outage.begin(messageOf(error));
  }

  /** An event was dropped, since so many wait. */
  dropped(waiting: number): void {
    this.#overflow.begin(`${waiting} events wait`);
  }

  /** No event waits. */
  caughtUp(): void {
    this.#overflow.end(performance.now());
  }
}
