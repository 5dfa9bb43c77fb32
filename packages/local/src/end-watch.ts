/** Why a program that was started by another should end. */
export interface EndReason {
  /** "Ctrl-C", "SIGTERM", "the program that started it has ended". */
  readonly why: string
  /** It was asked before and asks again with force: what is under way may be cut. */
  readonly again: boolean
}

export interface EndWatch {
  /** Who started this process; noted as early as possible, because a parent that is gone can no longer be seen. */
  readonly parentPid: number
  readonly onEnd: (reason: EndReason) => void
  readonly parentPollMs?: number
}

const PARENT_POLL_MS = 1_000
/** npm hands on the Ctrl-C that the terminal has sent already; a person's second one comes later than this. */
const SAME_SIGNAL_MS = 1_000
const SIGNALS = { SIGINT: 'Ctrl-C', SIGTERM: 'SIGTERM', SIGHUP: 'the terminal was closed' } as const

/**
 * Watches for everything that should end this process: the signals, and the end of its parent, which sends no
 * signal when it is killed.
 * @returns a function that ends the watch.
 */
export function watchForEnd({ parentPid, onEnd, parentPollMs = PARENT_POLL_MS }: EndWatch): () => void {
  let firstMs: number | undefined
  const end = (why: string): void => {
    const nowMs = performance.now()
    if (firstMs === undefined) {
      firstMs = nowMs
      onEnd({ why, again: false })
    } else if (nowMs - firstMs > SAME_SIGNAL_MS) {
      onEnd({ why, again: true })
    }
  }
  const handlers = Object.entries(SIGNALS).map(([signal, why]) => {
    const handler = (): void => end(why)
    process.on(signal, handler)
    return { signal, handler }
  })
  const poll = setInterval(() => {
    if (process.ppid === parentPid) return
    clearInterval(poll)
    end('the program that started it has ended')
  }, parentPollMs)
  return () => {
    clearInterval(poll)
    for (const { signal, handler } of handlers) process.off(signal, handler)
  }
}
