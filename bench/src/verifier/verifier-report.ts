import { type Machine, machineLine } from '@fractal-lba/load'
import type { Quartiles } from '../compare/statistics.js'
import type { VerifierFigures } from './verifier-bench.js'

const RATE_GOAL = 0.7
const CPU_GOAL = 1.2

/** What the verifier does by itself, for a person. */
export function renderVerifier(machine: Machine, figures: VerifierFigures): string {
  const { threads, purePerSecond, ed25519PerSecond, ratio, cpuRatio } = figures
  const { verifyCpuUs, hmacCpuUs, ed25519CpuUs } = figures
  const { stallMs, hmacStallMs, sameThreadStallMs } = figures
  const us = ({ median }: Quartiles): string => `${median.toFixed(1)} us`
  const ms = ({ median }: Quartiles): string => `${median.toFixed(1)} ms`
  const lines = [
    machineLine(machine),
    'the verifier alone, two batches of 128 under way; medians over the windows, with quartiles',
    '',
    `Ed25519: ${ed25519PerSecond.median.toFixed(0)} records/s; ${threads} threads that only call crypto.verify: ${purePerSecond.median.toFixed(0)}/s`,
    `ratio ${withRange(ratio)} ${verdict(ratio.median >= RATE_GOAL, `at least ${RATE_GOAL}`)}`,
    `CPU for a record: HMAC ${us(hmacCpuUs)}, Ed25519 ${us(ed25519CpuUs)}; one crypto.verify ${us(verifyCpuUs)}`,
    `(Ed25519 - HMAC) / crypto.verify ${withRange(cpuRatio)} ${verdict(cpuRatio.median <= CPU_GOAL, `at most ${CPU_GOAL}`)}`,
    `a timer of the event loop is late by (p99): Ed25519 ${ms(stallMs)}, HMAC ${ms(hmacStallMs)}, Ed25519 on the event loop's own thread ${ms(sameThreadStallMs)}`,
  ]
  return `${lines.join('\n')}\n`
}

function verdict(reached: boolean, goal: string): string {
  return `(goal: ${goal}; ${reached ? 'reached' : 'NOT REACHED'})`
}

function withRange({ q1, median, q3 }: Quartiles): string {
  return `${median.toFixed(2)} (${q1.toFixed(2)} to ${q3.toFixed(2)})`
}
