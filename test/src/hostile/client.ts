/*
 * A process that sends hostile requests, as many as half a core makes of them. Its parent says when it works and when
 * it rests, and asks what came of it.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { type HostileAct, type HostileTarget, hostileActs } from './acts.js'

/** What the parent says: the target first. */
export type HostileOrder = HostileTarget | 'work' | 'rest' | 'report'

/** How often each act got each answer, and what it took. */
export interface HostileReport {
  readonly answers: Readonly<Record<string, Readonly<Record<string, number>>>>
  /** Own CPU time, and the time of work. */
  readonly cpuMs: number
  readonly workedMs: number
}

const CPU_SHARE = 0.5
/** CPU time that may be used at once after a rest. */
const CPU_CREDIT_MS = 100
/** Below TOKEN_RATE with the honest ones' share. */
const TOKENS_PER_SECOND = 600
const TOKENS_CREDIT = 60
const WORKERS = 16
const SLOW_MAX = 64
const TICK_MS = 5

const answers: Record<string, Record<string, number>> = {}
let isWorking = false
let cpuCreditMs = 0
let tokens = 0
let workedMs = 0
let cpuMs = 0

let lastMs = performance.now()
let lastCpu = process.cpuUsage()
function account(): void {
  const nowMs = performance.now()
  const { user, system } = process.cpuUsage(lastCpu)
  const [elapsedMs, usedMs] = [nowMs - lastMs, (user + system) / 1000]
  lastMs = nowMs
  lastCpu = process.cpuUsage()
  cpuCreditMs = Math.min(CPU_CREDIT_MS, cpuCreditMs + CPU_SHARE * elapsedMs - usedMs)
  tokens = Math.min(TOKENS_CREDIT, tokens + (elapsedMs * TOKENS_PER_SECOND) / 1000)
  if (!isWorking) return
  workedMs += elapsedMs
  cpuMs += usedMs
}

async function turn(act: HostileAct): Promise<void> {
  for (;;) {
    account()
    if (isWorking && cpuCreditMs > 0 && tokens >= act.tokens) break
    await sleep(TICK_MS)
  }
  tokens -= act.tokens
}

async function perform(act: HostileAct): Promise<void> {
  const answer = await act.perform()
  answers[act.name] ??= {}
  const counts = answers[act.name] as Record<string, number>
  counts[answer] = (counts[answer] ?? 0) + 1
}

async function worker(acts: readonly HostileAct[], first: number): Promise<never> {
  let slow = 0
  for (let next = first; ; next += 1) {
    const act = acts[next % acts.length] as HostileAct
    if (act.isSlow && slow >= SLOW_MAX / WORKERS) continue
    await turn(act)
    if (!act.isSlow) await perform(act)
    else {
      slow += 1
      perform(act).finally(() => {
        slow -= 1
      })
    }
  }
}

process.on('message', (order: HostileOrder) => {
  account()
  if (order === 'work' || order === 'rest') isWorking = order === 'work'
  else if (order === 'report') process.send?.({ answers, cpuMs, workedMs } satisfies HostileReport)
  else {
    const { acts } = hostileActs(order)
    for (let index = 0; index < WORKERS; index += 1) void worker(acts, index)
  }
})
process.on('disconnect', () => process.exit())
