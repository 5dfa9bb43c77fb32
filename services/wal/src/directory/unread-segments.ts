import { setTimeout as sleep } from 'node:timers/promises'
import type { CompactableLog, WalEvent } from '@fractal-lba/wal'

/** Read at once, and the pause behind it: 6 MB/s, for a few per cent of a core. */
const STEP_BYTES = 128 * 2 ** 10
const PAUSE_MS = 20

/** Found after the start: only a start sets a segment aside. */
export class DamagedSegment extends Error {
  override readonly name = 'DamagedSegment'

  constructor(segment: string) {
    super(`${segment} is damaged: the wal ends, so that the next start sets it aside and says so`)
  }
}

/** The segments that an opening has not read, because their checkpoints stood for them. */
export class UnreadSegments {
  #count = 0
  #damaged: string | undefined

  /** Takes note of what an opening tells. */
  note(event: WalEvent): void {
    if (event.type === 'checkpoint_taken') this.#count += 1
    if (event.type === 'damage_read') this.#damaged = event.segment
  }

  /**
   * Reads them now, in small steps beside the work, every CRC32C and digest. Ends early where the signal comes.
   * @throws DamagedSegment where one is damaged: its checkpoint is gone, and the next opening sets it aside
   */
  async read(log: Pick<CompactableLog, 'read'>, signal: AbortSignal, pauseMs = PAUSE_MS): Promise<void> {
    if (this.#count === 0) return
    try {
      for await (const _ of log.read(1, { batchBytesMax: STEP_BYTES })) {
        await sleep(pauseMs, undefined, { signal })
        this.#demandNoDamage()
      }
      this.#demandNoDamage()
    } catch (error) {
      if (!signal.aborted) throw error
    }
  }

  #demandNoDamage(): void {
    if (this.#damaged !== undefined) throw new DamagedSegment(this.#damaged)
  }
}
