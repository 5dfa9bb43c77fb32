import type { Logger } from '../logger.js'
import { Gauge, type Registry } from '../metrics.js'
import { type ReadyReport, withDetail } from '../ops-server.js'
import type { ProcessClock } from './process-clock.js'

const LOOK_EVERY_MS = 1_000

/** Looks at the clock every second, shows it in metrics, and logs each change of its state. Ends with the signal. */
export function reportClock(
  clock: ProcessClock,
  { registry, logger, stopping }: { registry: Registry; logger: Logger; stopping: AbortSignal },
): void {
  const registers = [registry]
  new Gauge({
    name: 'clock_offset_seconds',
    help: 'How far the clock of this process is ahead of what differs most from it: a peer, the log, or the wall clock.',
    registers,
    collect() {
      this.set(clock.judge().offsetMs / 1000)
    },
  })
  new Gauge({
    name: 'clock_offset_limit_seconds',
    help: 'How far clocks may be apart before one of them counts as wrong (CLOCK_OFFSET_MAX).',
    registers,
  }).set(clock.limitMs / 1000)
  new Gauge({
    name: 'clock_trusted',
    help: '1 while things expire by the clock of this process.',
    registers,
    collect() {
      this.set(clock.isTrusted ? 1 : 0)
    },
  })
  let reported = clock.judgement.state
  const timer = setInterval(() => {
    const { state, why } = clock.judge()
    if (state === reported) return
    reported = state
    if (why === undefined) logger.info('the clock is trusted: things expire by it')
    else logger.warn(`nothing expires, and answers go on: ${why}`)
  }, LOOK_EVERY_MS)
  timer.unref()
  stopping.addEventListener('abort', () => clearInterval(timer), { once: true })
}

/** What /ready says, and what is said against the clock. It takes submissions all the same. */
export function withClock(report: ReadyReport, { judgement: { why } }: ProcessClock): ReadyReport {
  return why === undefined ? report : withDetail(report, `nothing expires: ${why}`)
}
