import { type Machine, machineLine } from '@fractal-lba/load'

/** One run of batches at a constant rate. */
export interface BatchFigures {
  readonly name: 'five processes' | 'one process'
  /** Of the rate that was asked for, what was answered: 0 to 1. */
  readonly share: number
  readonly recordsPerSecond: number
  /** Of requests, from the moment at which each was due to its last line. */
  readonly p50Ms: number
  readonly p99Ms: number
  readonly cpuUsPerRecord: number
  readonly clientCpuUsPerRecord: number
  /** Records by the status of their line; a request that was refused whole counts as one. */
  readonly answersByStatus: Readonly<Record<string, number>>
  /** Requests without an answer, by what happened to them. */
  readonly failures: Readonly<Record<string, number>>
}

export interface BatchReport {
  readonly machine: Machine
  readonly perSecond: number
  readonly seconds: number
  readonly connections: number
  readonly runs: readonly BatchFigures[]
}

export const BATCH_RECORDS = 64
const SHARE_GOAL = 0.995
const P99_GOAL_MS = 250

/** The report for a person. */
export function renderBatches({ machine, perSecond, seconds, connections, runs }: BatchReport): string {
  const lines = [
    machineLine(machine),
    `${perSecond} records/s for ${seconds} s, ${BATCH_RECORDS} to a request, ${connections} connections; signed beforehand, HMAC, both flushes`,
    '',
    ...runs.flatMap((run) => {
      const { name, share, recordsPerSecond, p50Ms, p99Ms, cpuUsPerRecord, clientCpuUsPerRecord } = run
      const isReached = share >= SHARE_GOAL && p99Ms <= P99_GOAL_MS
      const goal = `${100 * SHARE_GOAL} % and p99 within ${P99_GOAL_MS} ms`
      return [
        `${name}: ${(100 * share).toFixed(1)} % (${recordsPerSecond.toFixed(0)}/s), p50 ${p50Ms.toFixed(0)} ms, p99 ${p99Ms.toFixed(0)} ms (aim: ${goal}; ${isReached ? 'reached' : 'NOT REACHED'})`,
        `  CPU ${cpuUsPerRecord.toFixed(0)} us a record, generator ${clientCpuUsPerRecord.toFixed(0)} us; answers ${listOf(run.answersByStatus)}${failuresOf(run.failures)}`,
      ]
    }),
  ]
  return `${lines.join('\n')}\n`
}

function failuresOf(failures: Readonly<Record<string, number>>): string {
  return Object.keys(failures).length === 0 ? '' : `; without an answer ${listOf(failures)}`
}

function listOf(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([name, count]) => `${name}: ${count}`)
    .join(', ')
}
