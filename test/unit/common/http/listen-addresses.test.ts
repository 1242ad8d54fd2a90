import { expect, it } from 'vitest';
import { listenAddresses } from '../../../../src/common/http/listen-addresses.ts';

it('is all addresses of the host, unless ENABLE_BIND_LOCAL_IP is true', () => {
  expect(listenAddresses({ POD_IPS: '10.0.0.1' })).toEqual([]);
  expect(listenAddresses({ ENABLE_BIND_LOCAL_IP: 'false', POD_IPS: '10.0.0.1' })).toEqual([]);
  expect(listenAddresses({ ENABLE_BIND_LOCAL_IP: '', POD_IPS: 'nonsense' })).toEqual([]);
});

it("is the pod's own addresses where it is, each once", () => {
  const of = (list: string) => listenAddresses({ ENABLE_BIND_LOCAL_IP: 'true', POD_IPS: list });
  expect(of('10.0.0.1')).toEqual(['10.0.0.1']);
  expect(of('10.0.0.1,fd00::1')).toEqual(['10.0.0.1', 'fd00::1']);
  expect(of('10.0.0.1, FD00:0::1,10.0.0.1')).toEqual(['10.0.0.1', 'fd00::1']);
});

it.each([
  '',
  '10.0.0.1,',
  '10.0.0.256',
  'fe80::1%eth0',
  Array.from({ length: 9 }, (_, last) => `10.0.0.${last}`).join(','),
])('refuses POD_IPS=%j and names the variable', (list) => {
  const environment = { ENABLE_BIND_LOCAL_IP: 'true', POD_IPS: list };
  expect(() => listenAddresses(environment)).toThrow(/POD_IPS=.*status\.podIPs/);
});

it('takes POD_IP where POD_IPS is not given', () => {
  const environment = { ENABLE_BIND_LOCAL_IP: 'true', POD_IP: '10.0.0.1' };
  expect(listenAddresses(environment)).toEqual(['10.0.0.1']);
});
