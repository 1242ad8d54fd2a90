/**
 * Log lines about Events that people do not get to see: one when that begins and one when it is
 * over, whatever the number of events.
 */
import type { Logger } from '../log.ts';
import { Outage } from '../outage.ts';
import { messageOf } from '../text.ts';
import { KubernetesError } from './error.ts';
import type { EventRates } from './event-budget.ts';
import type { EventObject } from './event-object.ts';

/** What is done to events: each is granted on its own. */
type EventVerb = 'create' | 'patch';

/** What is limited for so long without another event that is too many counts as over; ms. */
const LIMITED_MS_MIN = 60_000;

/**
 * Follows what became of each event, and writes a line where events begin to be lost and where that is over:
 * separately for errors, for lacking rights, for a full queue and for the rates.
 */
export class EventLog {
  readonly #failing: Outage;
  readonly #overflow: Outage;
  readonly #tooMany: Outage;
  /** When an event was dropped for its rate, on the clock of `performance.now()`. */
  #limitedAt = 0;
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
    this.#tooMany = new Outage(log, {
      fields: {},
      lost: 'Kubernetes events are dropped: there are too many about one object, or of this program',
      back: 'no Kubernetes event had to be dropped for a while',
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

  /** An event was dropped, since there were too many about its object, or in total. */
  limited({ kind, namespace, name }: EventObject, of: keyof EventRates, now: number): void {
    this.#limitedAt = now;
    const whose = namespace === undefined ? name : `${namespace}/${name}`;
    this.#tooMany.begin(of === 'total' ? 'too many in total' : `too many about ${kind} ${whose}`);
  }

  /** An event was within the limits. */
  allowed(now: number): void {
    if (now - this.#limitedAt > LIMITED_MS_MIN) this.#tooMany.end(now);
  }

  /** No event waits. */
  caughtUp(): void {
    this.#overflow.end(performance.now());
  }
}
