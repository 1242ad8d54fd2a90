import { describe, expect, it } from 'vitest';
import { readValidAttachments } from '../../../src/plugin/gc-list.ts';
import { decodeConfig } from '../../../src/plugin/network-config.ts';
import { failureOf } from './attempt.ts';

function read(list: unknown) {
  const config = { 'cni.dev/valid-attachments': list };
  return readValidAttachments(decodeConfig(JSON.stringify(config)).top);
}

const VALID = { containerID: 'c0ffee', ifname: 'eth0' };

describe('the list of valid attachments', () => {
  it("names them as the daemon's request does", () => {
    expect(read([VALID, { containerID: 'decaf', ifname: 'net1', more: 1 }])).toEqual({
      valid_attachments: [
        { container_id: 'c0ffee', if_name: 'eth0' },
        { container_id: 'decaf', if_name: 'net1' },
      ],
    });
  });

  it('is left out where the runtime gives none, and empty where it is empty', () => {
    expect(read(undefined)).toEqual({});
    expect(read(null)).toEqual({});
    expect(read([])).toEqual({ valid_attachments: [] });
  });

  it.each([
    [{}, 'cni.dev/valid-attachments: expected an array of {containerID, ifname}, found {}'],
    ['c0ffee', 'cni.dev/valid-attachments: expected an array'],
    [false, 'cni.dev/valid-attachments: expected an array'],
    [[VALID, 'c0ffee'], 'cni.dev/valid-attachments[1]: expected an object, found "c0ffee"'],
    [[VALID, null], 'cni.dev/valid-attachments[1].containerID: expected a letter or digit'],
    [
      [{ ...VALID, containerID: 1 }],
      'valid-attachments[0].containerID: expected a string, found 1',
    ],
    [[{ containerID: 'c0ffee' }], 'valid-attachments[0].ifname: expected an interface name'],
    [[{ containerID: 'c0ffee', ifName: 'eth0' }], 'valid-attachments[0].ifname: expected'],
    [[VALID, { ...VALID, containerID: '../a' }], 'valid-attachments[1].containerID: expected'],
    [[VALID, VALID, { ...VALID, ifname: 'a/b' }], 'valid-attachments[2].ifname: expected'],
  ])('is error 7 as a whole where it is %j', (list, details) => {
    const failure = failureOf(() => read(list));
    expect(failure.code).toBe(7);
    expect(failure.details).toContain(details);
  });
});
