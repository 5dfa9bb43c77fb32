import { Counter, type Registry } from '@fractal-lba/runtime'

/** The counters of the contract's section 5: each moves once per submission, here and nowhere else. */
export function createCounters(registry: Registry) {
  const counter = (name: string, help: string): Counter => new Counter({ name, help, registers: [registry] })
  return {
    ingest: counter('flk_ingest_total', 'Submissions that were appended to the log.'),
    dedupHits: counter('flk_dedup_hits', 'Submissions that were answered with an outcome stored before.'),
    accepted: counter('flk_accepted', 'Records accepted, counted at their first outcome.'),
    escalated: counter('flk_escalated', 'Records escalated, counted at their first outcome.'),
    signatureErrors: counter('flk_signature_err', 'Submissions whose signature did not verify.'),
    walErrors: counter('flk_wal_errors', 'Submissions that could not be appended to the log.'),
    dedupConflicts: counter(
      'flk_dedup_conflicts',
      'Submissions with the id of a stored record and other content.',
    ),
    rateLimited: counter('flk_rate_limited', 'Submissions refused because the rate was used up.'),
    grpcConnectionsDropped: counter(
      'grpc_connections_dropped_total',
      'gRPC connections closed at once because as many as may be were open.',
    ),
    leaseErrors: counter(
      'flk_replay_lease_errors_total',
      'Attempts to lease open submissions for replay that failed.',
    ),
    replayed: counter('flk_replay_finished_total', 'Open submissions that were finished by replay.'),
  }
}

export type Counters = ReturnType<typeof createCounters>
