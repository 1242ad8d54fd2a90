import { describe, expect, it } from 'vitest';
import { northboundOf } from '../../../../src/controller/config/northbound-address.ts';

const TLS = {
  privateKey: '/var/run/tls/key',
  certificate: '/var/run/tls/cert',
  caCertificate: '/var/run/tls/cacert',
};

describe("the northbound database's address", () => {
  it.each([
    [{}, undefined],
    [{ OVN_DB_IPS: '' }, undefined],
    [{ OVN_DB_IPS: '10.0.0.1' }, 'tcp:10.0.0.1:6641'],
    [
      { OVN_DB_IPS: ' 10.0.0.1, fd00::1 ,db-2.ovn ' },
      'tcp:10.0.0.1:6641,tcp:[fd00::1]:6641,tcp:db-2.ovn:6641',
    ],
    [{ OVN_DB_IPS: '10.0.0.1', KUBE_OVN_NB_PORT: '30641' }, 'tcp:10.0.0.1:30641'],
    [{ OVN_DB_IPS: '10.0.0.1', ENABLE_SSL: 'false' }, 'tcp:10.0.0.1:6641'],
    [{ OVN_DB_IPS: '10.0.0.1', ENABLE_SSL: '' }, 'tcp:10.0.0.1:6641'],
    [{ OVN_NB_ADDR: 'tcp:nb.ovn:1', OVN_DB_IPS: '10.0.0.1' }, 'tcp:nb.ovn:1'],
    [{ OVN_NB_SERVICE_HOST: '10.96.0.7', OVN_NB_SERVICE_PORT: '7' }, 'tcp:10.96.0.7:7'],
    [{ OVN_DB_IPS: '10.0.0.1', OVN_NB_SERVICE_HOST: '10.96.0.7' }, 'tcp:10.0.0.1:6641'],
  ])('is, of the environment %j, %s', (environment, database) => {
    expect(northboundOf('', environment)).toEqual(database && { database });
  });

  it.each([
    [
      '',
      { OVN_DB_IPS: '10.0.0.1,fd00::1', ENABLE_SSL: 'true' },
      'ssl:10.0.0.1:6641,ssl:[fd00::1]:6641',
    ],
    ['', { OVN_NB_SERVICE_HOST: '10.96.0.7', ENABLE_SSL: 'true' }, 'ssl:10.96.0.7:6641'],
    ['', { OVN_NB_ADDR: 'ssl:[10.0.0.1]:6641' }, 'ssl:[10.0.0.1]:6641'],
    ['ssl:10.0.0.1:6641', {}, 'ssl:10.0.0.1:6641'],
  ])('comes with the files for TLS where it has ssl: %j %j', (flag, environment, database) => {
    expect(northboundOf(flag, environment)).toEqual({ database, tls: TLS });
  });

  it('is the flag before all else', () => {
    const database = 'unix:/run/ovn/ovnnb_db.sock';
    const environment = { OVN_NB_ADDR: 'tcp:nb.ovn:1', OVN_DB_IPS: '10.0.0.1', ENABLE_SSL: 'true' };
    expect(northboundOf(database, environment)).toEqual({ database });
  });

  it.each([
    ['--ovn-nb-addr', 'nb.ovn:6641', {}],
    ['OVN_NB_ADDR', '', { OVN_NB_ADDR: 'tcp:' }],
    ['OVN_DB_IPS', '', { OVN_DB_IPS: '10.0.0.1;reboot' }],
    ['OVN_DB_IPS', '', { OVN_DB_IPS: ',' }],
    ['OVN_DB_IPS', '', { OVN_DB_IPS: '--db=x' }],
    ['ENABLE_SSL', '', { OVN_DB_IPS: '10.0.0.1', ENABLE_SSL: 'yes' }],
    ['KUBE_OVN_NB_PORT', '', { OVN_DB_IPS: '10.0.0.1', KUBE_OVN_NB_PORT: '0' }],
    ['OVN_NB_SERVICE_PORT', '', { OVN_NB_SERVICE_HOST: 'a', OVN_NB_SERVICE_PORT: 'tcp://a:1' }],
  ])('is refused by the name of %s where that is wrong', (label, flag, environment) => {
    expect(() => northboundOf(flag, environment)).toThrow(`${label}=`);
  });
});
