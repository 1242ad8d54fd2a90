/**
 * What Kube-OVN's dashboards and alerts ask Prometheus for, of the agent and of the controller (v1.17,
 * charts/kube-ovn-v2/dashboards and templates/monitor/prometheus-rules.yaml): names of series, and the
 * labels that a query chooses or groups by. What every target has (`up`, `job`, `instance`) is left out.
 */

export interface Query {
  readonly series: string;
  /** Grouped by. */
  readonly labels?: readonly string[];
  /** Chosen by. */
  readonly where?: Readonly<Record<string, string>>;
}

const COMMON: readonly Query[] = [
  { series: 'klog_lines_total', where: { level: 'ERROR' } },
  { series: 'ovs_client_request_latency_milliseconds_count', labels: ['db', 'code'] },
  { series: 'ovs_client_request_latency_milliseconds_sum', labels: ['db', 'code'] },
  { series: 'ovs_client_request_latency_milliseconds_bucket', labels: ['le', 'db', 'method'] },
  { series: 'process_resident_memory_bytes' },
  { series: 'process_cpu_seconds_total' },
  { series: 'go_goroutines' },
];

export const AGENT_QUERIES: readonly Query[] = [
  ...COMMON,
  { series: 'cni_op_latency_seconds_count', labels: ['method', 'status_code'] },
  { series: 'cni_op_latency_seconds_sum', labels: ['method', 'status_code'] },
  { series: 'rest_client_request_latency_seconds_sum' },
  { series: 'rest_client_request_latency_seconds_count' },
];

export const CONTROLLER_QUERIES: readonly Query[] = [
  ...COMMON,
  { series: 'workqueue_adds_total', labels: ['name'] },
  { series: 'workqueue_retries_total', labels: ['name'] },
  { series: 'workqueue_depth', labels: ['name'] },
  { series: 'workqueue_queue_duration_seconds_sum' },
  { series: 'workqueue_queue_duration_seconds_count' },
  { series: 'rest_client_requests_total', labels: ['code'] },
  { series: 'rest_client_request_latency_seconds_bucket', labels: ['verb', 'url', 'le'] },
  { series: 'subnet_used_ip_count', labels: ['subnet_name', 'subnet_cidr'] },
  { series: 'subnet_available_ip_count', labels: ['subnet_name', 'subnet_cidr'] },
];
