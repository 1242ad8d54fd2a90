/**
 * Log lines about events that people do not get to see: one when that begins and one when it is
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
      lost: 'events on pods are lost: they cannot be written to the API server',
      back: 'events on pods are written again',
    });
    this.#overflow = new Outage(log, {
      fields: {},
      lost: 'events on pods are lost: more are recorded than the API server takes',
      back: 'the events on pods that waited are written: new ones are taken again',
    });
    const forbidden = (verb: EventVerb) =>
      new Outage(log, {
        fields: { verb },
        lost: "events on pods are lost: the API server forbids to write them; unless the reason says otherwise, grant the daemon's role the verbs create and patch on events",
        back: 'events on pods are no longer forbidden',
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
