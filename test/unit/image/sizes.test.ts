import { describe, expect, it } from 'vitest';
import { groupSizes } from '../../../scripts/image-check/sizes.ts';

describe("an image's table of sizes", () => {
  it('counts each file once, in the first group that has it', () => {
    const files = [
      { path: 'usr/local/bin/node', bytes: 1e6 },
      { path: 'kube-ovn/kube-ovn', bytes: 2e6 },
      { path: 'kube-ovn/kube-ovn-cni.cjs', bytes: 3e6 },
      { path: 'usr/lib/x86_64-linux-gnu/libc.so.6', bytes: 4e6 },
      { path: 'usr/bin/ovn-nbctl', bytes: 5e6 },
      { path: 'usr/bin/bash', bytes: 6e6 },
      { path: 'etc/passwd', bytes: 7e6 },
    ];
    const sizes = groupSizes(files).filter(({ megabytes }) => megabytes > 0);
    expect(sizes.map(({ megabytes }) => megabytes).sort()).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(sizes.find(({ name }) => name === 'clients of OVS and OVN')?.megabytes).toBe(5);
  });
});
