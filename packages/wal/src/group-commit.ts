import { asError, WalError } from './errors.js'

/** What an item counts against the limits. */
export interface Weight {
  readonly records: number
  readonly bytes: number
}

export interface GroupCommitOptions<Item> {
  /**
   * Makes a group durable; must not resolve before it is. A rejection with a WalError `out_of_space`
   * refuses this group and changes nothing; any other rejection is final for the whole queue.
   */
  readonly commit: (items: readonly Item[], weight: Weight) => Promise<void>
  /** Bounds of one group; asked for each group, since the room in a segment shrinks. An item alone may exceed them. */
  readonly groupMax: () => Weight
  /** Bounds of what waits, the group under way included. */
  readonly queueMax: Weight
  /** Called once, with the cause, when a commit failed for good. */
  readonly onFatal: (cause: Error) => void
}

interface Waiting<Item> {
  readonly item: Item
  readonly weight: Weight
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

/**
 * Many callers, one flush: what arrives while a group is being committed forms the next one. There are no
 * timers: an item that finds nothing under way is committed with whatever else arrives in the same turn of
 * the event loop. One commit is under way at a time, and groups are committed in order of arrival.
 */
export class GroupCommit<Item> {
  readonly #options: GroupCommitOptions<Item>
  #waiting: Waiting<Item>[] = []
  #records = 0
  #bytes = 0
  #running: Promise<void> | undefined
  #ended: WalError | undefined

  constructor(options: GroupCommitOptions<Item>) {
    this.#options = options
  }

  /** Resolves when the item is durable. Rejects at once with `queue_full` when there is no room to wait. */
  submit(item: Item, weight: Weight): Promise<void> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended)
    const { queueMax } = this.#options
    if (this.#records + weight.records > queueMax.records || this.#bytes + weight.bytes > queueMax.bytes) {
      const sentence = `${this.#records} records (${this.#bytes} bytes) already wait to be flushed; try again later.`
      return Promise.reject(new WalError('queue_full', sentence))
    }
    this.#records += weight.records
    this.#bytes += weight.bytes
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, weight, resolve, reject })
      this.#running ??= this.#run()
    })
  }

  /** Takes nothing more (`submit` rejects with `closed`) and resolves when what is in has been settled. */
  async close(): Promise<void> {
    this.#ended ??= new WalError('closed', 'The log is closed; open it again to append.')
    await this.#running
  }

  /** Ends the queue because something that it depends on failed; whatever waits is rejected. */
  fail(cause: Error): void {
    const known = this.#ended?.code === 'failed' ? this.#ended : undefined
    const sentence = `The log failed and takes nothing more; end the process and open the log again. Cause: ${cause.message}`
    const ended = known ?? new WalError('failed', sentence, cause)
    this.#ended = ended
    for (const waiting of this.#waiting.splice(0)) waiting.reject(ended)
    if (known === undefined) this.#options.onFatal(cause)
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      // one turn: those whose group was just committed, and requests already on the socket, join the next one
      await new Promise((resolve) => setImmediate(resolve))
      const group = this.#takeGroup()
      if (group.length > 0) await this.#commit(group)
    }
    this.#running = undefined
  }

  /** The oldest items that fit together, at least one if any waits. */
  #takeGroup(): Waiting<Item>[] {
    const max = this.#options.groupMax()
    let records = 0
    let bytes = 0
    let count = 0
    for (const { weight } of this.#waiting) {
      records += weight.records
      bytes += weight.bytes
      if (count > 0 && (records > max.records || bytes > max.bytes)) break
      count += 1
    }
    return this.#waiting.splice(0, count)
  }

  async #commit(group: readonly Waiting<Item>[]): Promise<void> {
    const weight = totalWeight(group)
    try {
      await this.#options.commit(
        group.map(({ item }) => item),
        weight,
      )
    } catch (thrown) {
      this.#settle(weight)
      this.#reject(group, asError(thrown))
      return
    }
    this.#settle(weight)
    for (const waiting of group) {
      // fail() while this commit was under way: it may be durable, but nothing is acknowledged after a failure
      if (this.#ended?.code === 'failed') waiting.reject(this.#ended)
      else waiting.resolve()
    }
  }

  #reject(group: readonly Waiting<Item>[], cause: Error): void {
    if (cause instanceof WalError && cause.code === 'out_of_space' && this.#ended?.code !== 'failed') {
      for (const waiting of group) waiting.reject(cause)
      return
    }
    this.#waiting.unshift(...group)
    this.fail(cause)
  }

  #settle(weight: Weight): void {
    this.#records -= weight.records
    this.#bytes -= weight.bytes
  }
}

function totalWeight(group: readonly Waiting<unknown>[]): Weight {
  let records = 0
  let bytes = 0
  for (const { weight } of group) {
    records += weight.records
    bytes += weight.bytes
  }
  return { records, bytes }
}
