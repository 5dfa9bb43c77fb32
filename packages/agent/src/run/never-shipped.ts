/**
 * Why a file of the directory is not shipped as long as it is as it is: it is empty, no regular file (a link, a pipe,
 * a directory), or its name is no UTF-8, so that no shard can be named after it.
 */
export const NEVER_SHIPPED = ['empty', 'not_regular', 'not_utf8'] as const

export type NeverShippedReason = (typeof NEVER_SHIPPED)[number]

export interface NeverShippedFiles {
  readonly count: number
  /** The name of one of them. */
  readonly example: string
}

export type NeverShippedByReason = Readonly<Partial<Record<NeverShippedReason, NeverShippedFiles>>>

/** Decides when to tell of such files: once, when there have been some for a while, because an empty one may be filled. */
export class NeverShipped {
  readonly #patienceMs: number
  readonly #sinceMs = new Map<NeverShippedReason, number>()
  readonly #told = new Set<NeverShippedReason>()

  constructor(patienceMs: number) {
    this.#patienceMs = patienceMs
  }

  /** @returns the reasons that are to be told now */
  see(found: NeverShippedByReason, monotonicMs: number): NeverShippedReason[] {
    return NEVER_SHIPPED.filter((reason) => {
      if (found[reason] === undefined) {
        this.#sinceMs.delete(reason)
        this.#told.delete(reason)
        return false
      }
      const sinceMs = this.#sinceMs.get(reason) ?? monotonicMs
      this.#sinceMs.set(reason, sinceMs)
      if (this.#told.has(reason) || monotonicMs - sinceMs < this.#patienceMs) return false
      this.#told.add(reason)
      return true
    })
  }
}
