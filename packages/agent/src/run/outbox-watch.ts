import type { Outbox } from '../outbox/index.js'

const LOOK_MS = 1_000

/**
 * Looks every second whether the outbox still has the directory that it writes. Where somebody removed, replaced or
 * unmounted it, records would go without an error into files that no start will ever find.
 */
export function watchOutbox(
  outbox: Pick<Outbox, 'holdsDirectory'>,
  directory: string,
  onLost: (error: Error) => void,
  stopping: AbortSignal,
): void {
  const look = async (): Promise<void> => {
    if ((await outbox.holdsDirectory()) || stopping.aborted) return
    clearInterval(timer)
    onLost(
      new Error(
        `${directory} is not the directory that the outbox is written to any more: it was removed, replaced or unmounted, ` +
          'or its lock was. Records of files that were moved to done since then are lost; put the directory back before the next start.',
      ),
    )
  }
  const timer = setInterval(() => void look(), LOOK_MS)
  timer.unref()
  stopping.addEventListener('abort', () => clearInterval(timer), { once: true })
}
