/**
 * A step of npm test, after all tests: deploy/controller.yaml grants nothing that the controller
 * never used in them. What it needs and does not have shows in the tests themselves, as 403.
 * Argument: the folder with the notes of the API server doubles.
 */
import { CONTROLLER } from '../test/lab/kubernetes/accounts.ts';
import { notedUses, unusedGrants } from '../test/lab/kubernetes/role-use.ts';

const unused = unusedGrants(CONTROLLER, notedUses(process.argv[2] ?? ''));
if (unused.length > 0) {
  console.error(
    [
      'deploy/controller.yaml grants what the controller used in no test:',
      ...unused.map((grant) => `  ${grant}`),
      'Take it out of the ClusterRole, or write the test of the code that needs it.',
    ].join('\n'),
  );
  process.exit(1);
}
