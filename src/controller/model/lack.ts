/**
 * Why objects of a kind are not known, for whoever needs one of them. Pure.
 */
import type { Availability } from '../../common/kubernetes/availability.ts';
import { resourceName, resourceOf } from '../../common/kubernetes/path.ts';
import type { Problem } from './problem.ts';

/** What a cluster lacks for a kind to be followed; undefined for one that is, or soon will be. */
export function lackOf(availability: Availability): Problem | undefined {
  if (availability.state === 'missing') {
    const name = resourceName(availability);
    return {
      message: `the cluster has no ${name}`,
      advice: `install the CustomResourceDefinition ${name}`,
    };
  }
  if (availability.state === 'forbidden') {
    const name = resourceName(availability);
    return {
      message: `the controller may not ${availability.verb} ${name}`,
      advice: `grant its ClusterRole the verbs get, list and watch on ${name}`,
    };
  }
  return undefined;
}

/** A kind whose first list the server owes us, while it lists others. */
export function unlisted(path: string): Problem {
  const name = resourceName(resourceOf(path));
  return {
    message: `the API server has not listed ${name} so far`,
    advice: `where that lasts, see what kubectl get ${name} says: a conversion webhook of the CustomResourceDefinition may be broken`,
  };
}

/** A kind that we may list and not watch. */
export function unwatched(path: string): Problem {
  const name = resourceName(resourceOf(path));
  return {
    message: `the controller may not watch ${name}, and lists them about once a minute`,
    advice: `grant its ClusterRole the verb watch on ${name} to spare that`,
  };
}

/** A problem that comes of an object which is not known, with why it is not. */
export function withLack(problem: Problem, lack: Problem | undefined): Problem {
  if (lack === undefined) return problem;
  return { ...problem, message: `${problem.message}: ${lack.message}`, advice: lack.advice };
}
