/** All fuzz targets; their shares are of 100,000 cases. */
import type { Target } from './target.ts';
import { attachments } from './targets/attachments.ts';
import { bodies } from './targets/bodies.ts';
import { compiled } from './targets/compiled.ts';
import { executable } from './targets/executable.ts';
import { objects } from './targets/objects.ts';
import { plans } from './targets/plans.ts';
import { records } from './targets/records.ts';
import { rows } from './targets/rows.ts';
import { texts } from './targets/texts.ts';

/** Those that need nothing but the sources. */
export const SOURCE_TARGETS: readonly Target[] = [
  executable,
  bodies,
  plans,
  attachments,
  texts,
  objects,
  rows,
  records,
];

export const TARGETS: readonly Target[] = [...SOURCE_TARGETS, compiled];
