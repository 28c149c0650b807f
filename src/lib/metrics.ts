import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** Every metric of the product, in one place. Labels are closed sets (routes, outcomes, kinds): never an id or a name. */
export type Metrics = ReturnType<typeof makeMetrics>;

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

const OWN_SECONDS = [0.001, 0.002, 0.003, 0.004, 0.005, 0.0075, 0.01, 0.015, 0.025, 0.05, 0.1, 0.5];

/** Makes an own registry, so that two in one process (tests) do not meet. */
export function makeMetrics() {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  return {
    registry,
    requests: new Counter({
      name: 'hoshi_http_requests_total',
      help: 'Answers by route and status',
      labelNames: ['route', 'method', 'status'] as const,
      registers,
    }),
    requestSeconds: new Histogram({
      name: 'hoshi_http_request_seconds',
      help: 'Time to answer',
      labelNames: ['route'] as const,
      buckets: SECONDS,
      registers,
    }),
    ownSeconds: new Histogram({
      name: 'hoshi_http_own_seconds',
      help: 'Time to answer requests that called a provider, without the time the provider took',
      labelNames: ['route'] as const,
      buckets: OWN_SECONDS,
      registers,
    }),
    providerSeconds: new Histogram({
      name: 'hoshi_provider_seconds',
      help: 'Time a provider took to create a checkout',
      labelNames: ['provider'] as const,
      buckets: SECONDS,
      registers,
    }),
    webhooks: new Counter({
      name: 'hoshi_webhook_events_total',
      help: 'Provider messages by kind and outcome',
      labelNames: ['provider', 'kind', 'outcome'] as const,
      registers,
    }),
    inquirySeconds: new Histogram({
      name: 'hoshi_inquiry_seconds',
      help: 'Time to decide a pre-checkout question',
      labelNames: ['provider'] as const,
      buckets: SECONDS,
      registers,
    }),
    payments: new Counter({
      name: 'hoshi_payments_total',
      help: 'Charges settled by kind',
      labelNames: ['provider', 'kind'] as const,
      registers,
    }),
    refunds: new Counter({
      name: 'hoshi_refunds_total',
      help: 'Refunds by outcome',
      labelNames: ['provider', 'outcome'] as const,
      registers,
    }),
    jobs: new Counter({
      name: 'hoshi_jobs_total',
      help: 'Jobs by name and outcome',
      labelNames: ['name', 'outcome'] as const,
      registers,
    }),
    backlog: new Gauge({
      name: 'hoshi_backlog',
      help: 'What waits, of all processes: due jobs, failed events, open refunds; dead and reported ones wait for an operator',
      labelNames: ['what'] as const,
      registers,
    }),
    backlogSeconds: new Gauge({
      name: 'hoshi_backlog_oldest_seconds',
      help: 'Age of the oldest due job, and time since the books were last compared with a provider and the audit last signed',
      labelNames: ['what'] as const,
      registers,
    }),
    retentionOverdue: new Gauge({
      name: 'hoshi_retention_overdue_rows',
      help: 'Orders that should have gone a while ago, as their time in the books is over; at most 1,000 are counted',
      registers,
    }),
    reconciliation: new Counter({
      name: 'hoshi_reconciliation_differences_total',
      help: 'Differences with a provider by kind and outcome',
      labelNames: ['provider', 'kind', 'outcome'] as const,
      registers,
    }),
    oldSecretUses: new Counter({
      name: 'hoshi_webhook_old_secret_total',
      help: 'Messages signed with a secret that is being replaced',
      labelNames: ['provider', 'overdue'] as const,
      registers,
    }),
  };
}
