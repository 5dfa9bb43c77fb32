import { type Logger, monotonicMs } from '@fractal-lba/runtime'
import { RecentFindings } from './recent-findings.js'
import { RecentMinutes, SAMPLE_EVERY_MS, SAMPLES_MAX } from './recent-minutes.js'
import type { SubmissionMetrics } from './submission-metrics.js'

/** What a person on duty looks at first: the last minutes, in bounded memory. */
export class Duty {
  readonly findings = new RecentFindings(SAMPLES_MAX)
  readonly minutes = new RecentMinutes()
  readonly #metrics: SubmissionMetrics
  readonly #logger: Logger
  #timer: NodeJS.Timeout | undefined

  constructor(metrics: SubmissionMetrics, logger: Logger) {
    this.#metrics = metrics
    this.#logger = logger
  }

  /** @param open how many submissions have no mark, in all logs; undefined where that is not known */
  start(open: () => number | undefined): void {
    const look = (): void => {
      this.#look(open()).catch((error: unknown) =>
        this.#logger.warn({ err: error }, 'no look at the metrics'),
      )
    }
    look()
    this.#timer = setInterval(look, SAMPLE_EVERY_MS)
    this.#timer.unref()
  }

  close(): void {
    clearInterval(this.#timer)
  }

  async #look(open: number | undefined): Promise<void> {
    this.findings.tick()
    const totals = await this.#metrics.totals()
    this.minutes.add({ ...totals, monotonicMs: monotonicMs(), wallMs: Date.now(), open })
  }
}
