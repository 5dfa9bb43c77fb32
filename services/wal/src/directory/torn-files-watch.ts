import { Gauge, type Logger, type Registry } from '@fractal-lba/runtime'
import { sweepTornFiles } from './torn-files.js'

export interface TornFilesWatch {
  readonly directory: string
  /** They are kept as long as the bodies of judged records. */
  readonly retentionMs: number
  /** What expires then or before has expired: it stands still while the clock is not trusted. */
  readonly now: () => number
}

const LOOK_MS = 3_600_000

/** Counts the torn tails that lie beside the log, now and each hour, and removes the old ones. */
export function watchTornFiles(
  { directory, retentionMs, now }: TornFilesWatch,
  registry: Registry,
  logger: Logger,
  stopping: AbortSignal,
): void {
  const gauge = new Gauge({
    name: 'wal_torn_files',
    help: 'Torn tails that were set aside and are kept for people.',
    registers: [registry],
  })
  const look = (): void => {
    sweepTornFiles(directory, now() - retentionMs).then(
      ({ kept, removed }) => {
        gauge.set(kept)
        if (removed > 0) logger.info({ kept, removed }, 'old torn tails were removed')
      },
      (error: unknown) => logger.warn({ err: error }, 'torn tails could not be looked at'),
    )
  }
  look()
  const timer = setInterval(look, LOOK_MS)
  timer.unref()
  stopping.addEventListener('abort', () => clearInterval(timer), { once: true })
}
