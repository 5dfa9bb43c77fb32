import { dedup } from '@fractal-lba/proto'
import { AppError, type Clock, unavailable } from '@fractal-lba/runtime'
import type { IndexEntry, Store, StoredVerdict } from '../store.js'
import { type Candidate, classify } from './finding.js'
import type { Availability } from './index-keeper.js'

export interface Lookup extends Candidate {
  readonly pcsId: string
}

export interface Found {
  readonly finding: dedup.Finding
  /** The verdict that stands under the id, if there is one. */
  readonly verdict: StoredVerdict | undefined
  /** The index's generation when the call began: a mark that is made from this answer must carry it. */
  readonly generation: string
}

/**
 * A verdict is remembered for the TTL from its first mark on (contract, section 4). Until that mark has been read
 * back, the entry expires this much later than the TTL: the mark is made within the deadline of a submission.
 */
const FIRST_MARK_MS_MAX = 5_000

/** Look-up and put-if-absent by pcs_id: the rules, over any store. */
export class VerdictIndex {
  readonly #store: Store
  readonly #ttlMs: number
  readonly #now: Clock
  readonly #availability: () => Availability

  constructor(store: Store, ttlMs: number, now: Clock, availability: () => Availability) {
    this.#store = store
    this.#ttlMs = ttlMs
    this.#now = now
    this.#availability = availability
  }

  /** @throws AppError unavailable: not filled. */
  async lookupMany(lookups: readonly Lookup[]): Promise<Found[]> {
    const generation = this.#demandGeneration()
    const standing = await this.#store.getMany(lookups.map(({ pcsId }) => pcsId))
    const found = lookups.map((lookup, index) => foundFor(lookup, standing[index], generation))
    await this.#renewOwn(found, standing)
    return found
  }

  /**
   * For each verdict the one that stands now. FINDING_OWN: it is this one, or an earlier judgement of the same record.
   * An AppError where the store has no room for it.
   *
   * @throws AppError unavailable: not filled.
   */
  async putManyIfAbsent(verdicts: readonly StoredVerdict[]): Promise<(Found | AppError)[]> {
    const generation = this.#demandGeneration()
    const expiresAtMs = this.#firstExpiryMs()
    const entries = verdicts.map((verdict): IndexEntry => ({ verdict, expiresAtMs, marked: false }))
    const standing = await this.#store.putManyIfAbsent(entries)
    const found = verdicts.map((verdict, index) => {
      const entry = standing[index]
      return entry ? foundFor(verdict, entry, generation) : this.#full()
    })
    const earlier = standing.map((entry, index) => (entry === entries[index] ? undefined : entry))
    await this.#renewOwn(found, earlier)
    return found
  }

  /** @throws AppError unavailable: not filled. */
  async get(pcsId: string): Promise<StoredVerdict | undefined> {
    this.#demandGeneration()
    const [entry] = await this.#store.getMany([pcsId])
    return entry?.verdict
  }

  /** Why no new id is taken now; undefined while ids are taken. */
  get refusal(): string | undefined {
    const availability = this.#availability()
    return availability.answers ? this.#store.state().refusal : availability.refusal
  }

  #demandGeneration(): string {
    const availability = this.#availability()
    if (!availability.answers) throw unavailable(availability.refusal)
    return availability.generation
  }

  /** A record that is tried again has no mark yet: its expiry is counted from the new try. */
  async #renewOwn(
    found: readonly (Found | AppError)[],
    standing: readonly (IndexEntry | undefined)[],
  ): Promise<void> {
    const own: string[] = []
    for (const [index, entry] of standing.entries()) {
      const answer = found[index]
      if (!entry || entry.marked || answer instanceof AppError) continue
      if (answer?.finding === dedup.Finding.FINDING_OWN) own.push(entry.verdict.outcome.pcsId)
    }
    if (own.length > 0) await this.#store.renewUnmarked(own, this.#firstExpiryMs())
  }

  #firstExpiryMs(): number {
    return this.#now() + this.#ttlMs + FIRST_MARK_MS_MAX
  }

  #full(): AppError {
    return unavailable(this.#store.state().refusal ?? 'the store takes no further id')
  }
}

function foundFor(candidate: Candidate, standing: IndexEntry | undefined, generation: string): Found {
  if (!standing) return { finding: dedup.Finding.FINDING_ABSENT, verdict: undefined, generation }
  return { finding: classify(standing.verdict, candidate), verdict: standing.verdict, generation }
}
