/**
 * Where and how a program answers the kubelet's probes and Prometheus, from its command line and its
 * environment: as Kube-OVN's programs do.
 */
import { listenAddresses } from './listen-addresses.ts';
import { readTlsSettings, type TlsSettings } from './tls-settings.ts';

/** Where a program answers probes, and to whom it shows metrics. */
export interface HealthSettings {
  /** 0 for none. */
  readonly port: number;
  /** Where it listens; empty for all addresses of the host. */
  readonly addresses: readonly string[];
  readonly hasMetrics: boolean;
  /** HTTPS with it, and metrics only for whom the API server lets read them. */
  readonly tls?: TlsSettings;
}

/** What the flags of both programs say. */
export interface HealthFlags {
  readonly port: number;
  readonly hasMetrics: boolean;
  readonly isSecure: boolean;
  readonly minVersion: string;
  readonly maxVersion: string;
  readonly cipherSuites: readonly string[];
}

/**
 * Without metrics Kube-OVN's programs answer probes on the first of their addresses alone.
 * @throws Error that names the flag or the variable that is wrong
 */
export function readHealthSettings(
  flags: HealthFlags,
  environment: NodeJS.ProcessEnv,
): HealthSettings {
  const { port, hasMetrics, isSecure } = flags;
  const addresses = listenAddresses(environment);
  const tls = readTlsSettings(flags);
  return {
    port,
    addresses: hasMetrics ? addresses : addresses.slice(0, 1),
    hasMetrics,
    ...(isSecure ? { tls } : {}),
  };
}
