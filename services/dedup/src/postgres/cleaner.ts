import type { ExpiryClock } from '@fractal-lba/runtime'
import type { PostgresPool } from './postgres-pool.js'
import { CLEAN } from './statements.js'

/** A row stays so long after it has expired, so that no write of its id that is under way meets the removal. */
const GRACE_MS = 60_000
/** One pass over the table takes so many steps, fewer where the table is small. */
const STEPS = 600
const BLOCKS_MIN = 64
const ROWS_MAX = 1_000

/** Removes expired rows bit by bit: a stretch of the table with each step, round and round. */
export class Cleaner {
  readonly #clock: ExpiryClock
  #block = 0

  constructor(clock: ExpiryClock) {
    this.#clock = clock
  }

  /** @param blocks of the table now. */
  async step(pool: PostgresPool, blocks: number): Promise<void> {
    const from = this.#block < blocks ? this.#block : 0
    const to = from + Math.max(BLOCKS_MIN, Math.ceil(blocks / STEPS))
    const removed = await pool.query(CLEAN, [
      from,
      to,
      Math.floor(this.#clock.expiredMs() - GRACE_MS),
      ROWS_MAX,
    ])
    this.#block = removed.length < ROWS_MAX ? to : from
  }
}
