import { describe, expect, it } from 'vitest';
import {
  compared,
  differenceError,
  differs,
  listed,
} from '../../../../src/daemon/model/difference.ts';

const limits = differs(113, 'egress_rate', '5', 'no limit');
const link = differs(112, 'MTU', '1400', '1300');
const pod = differs(110, 'pod', 'one', 'none');

describe('the error of differences', () => {
  it('says a single one in one sentence, and what to do', () => {
    const error = differenceError([link]);
    expect([error.code, error.message]).toEqual([112, 'MTU: expected 1400, found 1300']);
    expect(error.details).toBe(
      'look for who changes links, addresses or routes in the pod; delete the pod to have its interface made anew',
    );
  });

  it('names all, the weightiest kind first, and gives a hint for each kind', () => {
    const error = differenceError([limits, link, link, pod]);
    expect(error.code).toBe(110);
    expect(error.message).toBe(
      '4 differences: pod: expected one, found none; MTU: expected 1400, found 1300; MTU: expected 1400, found 1300; egress_rate: expected 5, found no limit',
    );
    expect(error.details.split('; ')).toHaveLength(4);
  });
});

describe('a comparison', () => {
  it('of the same is no difference', () => {
    expect(compared(113, 'egress_rate', '5', '5')).toEqual([]);
    expect(compared(113, 'egress_rate', '5', 'no limit')).toEqual([limits]);
  });
});

describe('a list', () => {
  it.each([
    [[], 'none'],
    [['a'], 'a'],
    [['a', 'b', 'c', 'd'], 'a, b, c, d'],
    [['a', 'b', 'c', 'd', 'e'], 'a, b, c, d, …'],
  ])('of %j is %s', (texts, text) => {
    expect(listed(texts)).toBe(text);
  });
});
