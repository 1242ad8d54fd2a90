import fc from 'fast-check';
import { expect, it } from 'vitest';
import { compareVersions, markText, parseMark, withMark } from '../../../src/installer/mark.ts';

const MARKED = withMark(Buffer.from('program'), 'kube-ovn', '1.2.3');

it('the mark says name, version and digest of what is before it', () => {
  const { mark, bytes } = parseMark(MARKED) ?? {};
  expect(mark).toMatchObject({ name: 'kube-ovn', version: '1.2.3' });
  expect(MARKED.subarray(0, -(bytes ?? 0)).toString()).toBe('program');
  expect(MARKED.toString()).toBe(`program${mark && markText(mark)}`);
});

it('a second mark takes the place of the first, so that marking is idempotent', () => {
  expect(withMark(MARKED, 'kube-ovn', '1.2.3')).toEqual(MARKED);
  const newer = withMark(MARKED, 'kube-ovn', '1.2.4');
  expect(newer.length).toBe(MARKED.length);
  expect(parseMark(newer)?.mark.version).toBe('1.2.4');
});

it('whatever bytes an executable ends with, its mark is read, and its bytes are the same', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
      const marked = withMark(Buffer.from(bytes), 'loopback', '0.1.0');
      const found = parseMark(marked.subarray(-512));
      expect(marked.subarray(0, -(found?.bytes ?? 0))).toEqual(Buffer.from(bytes));
    }),
  );
});

it.each([
  ['no mark', 'program'],
  ['a mark that is not the end', `${MARKED}more`],
  ['a digest that is too short', '\n# kube-ovn-node kube-ovn 1.2.3 sha256:00\n'],
  ['a version that is none', MARKED.toString().replace('1.2.3', 'next')],
  ['the mark of another project', MARKED.toString().replace('kube-ovn-node', 'other-node')],
])('%s is no mark', (_, text) => {
  expect(parseMark(Buffer.from(text))).toBeUndefined();
});

it('a name or version that could not be read again is refused', () => {
  expect(() => withMark(Buffer.from(''), 'kube ovn', '1.2.3')).toThrow('no mark');
  expect(() => withMark(Buffer.from(''), 'kube-ovn', 'unbuilt')).toThrow('no mark');
});

const ASCENDING = [
  '0.1.0-alpha',
  '0.1.0',
  '0.1.1',
  '0.2.0',
  '0.10.0',
  '1.0.0-rc1',
  '1.0.0',
  '10.0.0',
];

it('versions are compared by their numbers, and a pre-release is older than its release', () => {
  const shuffled = [...ASCENDING].reverse();
  expect(shuffled.sort(compareVersions)).toEqual(ASCENDING);
  expect(compareVersions('1.0.0+build1', '1.0.0+build2')).toBe(0);
});
