import { Counter, Gauge, type Registry } from '@fractal-lba/runtime/metrics'
import type { Attempt } from '../delivery/index.js'
import type { Outbox } from '../outbox/index.js'
import { NEVER_SHIPPED, type NeverShippedByReason } from './never-shipped.js'
import type { FileEvent } from './watcher.js'

export interface AgentMetrics {
  countAttempt(attempt: Attempt): void
  countFile(event: FileEvent): void
}

const ATTEMPT_RESULTS = ['acknowledged', 'replayed', 'conflict', 'dead', 'retry', 'unreadable'] as const
const FILE_RESULTS = ['shipped', 'known', 'failed'] as const

/** The agent's metrics: counters to be moved, gauges that are read from the outbox when somebody looks. */
export function createAgentMetrics(registry: Registry, outbox: Outbox): AgentMetrics {
  const registers = [registry]
  const submissions = new Counter({
    name: 'agent_submissions_total',
    help: 'Attempts at submitting a record, by what came of them.',
    labelNames: ['result'],
    registers,
  })
  const files = new Counter({
    name: 'agent_files_total',
    help: 'CSV files of the watched directory, by what became of them.',
    labelNames: ['result'],
    registers,
  })
  // a rate over a series that is not there yet misses its first step
  for (const result of ATTEMPT_RESULTS) submissions.inc({ result }, 0)
  for (const result of FILE_RESULTS) files.inc({ result }, 0)
  exposeOutbox(registry, outbox)
  return {
    countAttempt(attempt) {
      const replayed = attempt.result === 'acknowledged' && attempt.answer.replayed
      submissions.inc({ result: replayed ? 'replayed' : attempt.result })
    },
    countFile({ result }) {
      files.inc({ result })
    },
  }
}

/** @param found by the last look through the directory */
export function exposeNeverShipped(registry: Registry, found: () => NeverShippedByReason): void {
  new Gauge({
    name: 'agent_files_not_shipped',
    help: 'CSV files of the watched directory that are not shipped as they are, by reason.',
    labelNames: ['reason'],
    registers: [registry],
    collect() {
      for (const reason of NEVER_SHIPPED) this.set({ reason }, found()[reason]?.count ?? 0)
    },
  })
}

function exposeOutbox(registry: Registry, outbox: Outbox): void {
  const registers = [registry]
  new Gauge({
    name: 'agent_outbox_pending',
    help: 'Records in the outbox that have no verdict yet.',
    registers,
    collect() {
      this.set(outbox.counts.pending)
    },
  })
  new Gauge({
    name: 'agent_oldest_pending_seconds',
    help: 'Age of the record that has waited longest for its verdict; 0 when none waits.',
    registers,
    collect() {
      const oldest = outbox.oldestPending()
      this.set(oldest ? Math.max(0, Date.now() - oldest.enqueuedAtMs) / 1000 : 0)
    },
  })
  new Gauge({
    name: 'agent_outbox_entries',
    help: 'Records in the outbox, by state; dead letters and conflicts wait for a person.',
    labelNames: ['state'],
    registers,
    collect() {
      for (const [state, count] of Object.entries(outbox.counts)) this.set({ state }, count)
    },
  })
}
