import { dedup, type record, sealVerdict, type verifier } from '@fractal-lba/proto'
import {
  AppError,
  type CallContext,
  type CallOptions,
  type Clock,
  monotonicMs,
  toAppError,
  unavailable,
} from '@fractal-lba/runtime'
import type { DedupClient } from './clients/dedup.js'
import type { ScoringClient } from './clients/scoring.js'
import type { VerifierClient } from './clients/verifier.js'
import type { WalClient } from './clients/wal.js'
import type { Counters } from './counters.js'
import {
  type Answer,
  type Answered,
  type Decision,
  decidedByIndex,
  judgedAlone,
  refused,
  stored,
} from './decision.js'

/** The four services, as the gateway sees them. */
export interface Services {
  /** All logs, in the order in which the next submission tries them. */
  readonly logsForAppend: () => readonly WalClient[]
  readonly verifier: VerifierClient
  readonly scoring: ScoringClient
  readonly dedup: DedupClient
}

/** One submission: its bytes as they came. */
export interface Submission {
  readonly body: Buffer
  readonly encoding: record.Encoding
  /** The trace that it belongs to. */
  readonly context: CallContext | undefined
  /** Who has sent it: what waits of it waits behind the client's own. Absent of a replay. */
  readonly client?: string
  /** Noted as soon as the verifier has read it, for what is told of the submission beside its answer. */
  pcsId?: string | undefined
}

/** Where a submission stands in a log. */
export interface LogPlace {
  readonly wal: WalClient
  readonly position: record.Position
}

/** What each call of a live submission is told. */
interface LiveCall {
  /** Where the whole submission ends. Monotonic. */
  readonly deadlineMs: number
  readonly context: CallContext | undefined
  readonly client: string | undefined
}

/** What is found out about a record without changing anything anywhere. */
interface Assessment {
  readonly verified: verifier.Verified
  /** Its verdict but for time and place, as bytes; or why there is none now. */
  readonly judged: Buffer | AppError
}

const COUNTED_PLACES_MAX = 10_000

/** The way of a record: the contract's section 4, step by step. */
export class Ingest {
  readonly #services: Services
  readonly #counters: Counters
  readonly #submitTimeoutMs: number
  readonly #nowMs: Clock
  readonly #onUnavailable: () => void
  /** Submissions that were counted by their replay or by a late mark, the newest of them. */
  readonly #countedPlaces = new Set<string>()

  /**
   * @param nowMs wall time that does not jump: it stands in each verdict
   * @param onUnavailable called for each submission that cannot be finished now, and each that its log did not take
   */
  constructor(
    services: Services,
    counters: Counters,
    submitTimeoutMs: number,
    nowMs: Clock,
    onUnavailable: () => void = () => undefined,
  ) {
    this.#services = services
    this.#counters = counters
    this.#submitTimeoutMs = submitTimeoutMs
    this.#nowMs = nowMs
    this.#onUnavailable = onUnavailable
  }

  /**
   * A live submission. What it is answered with is on the disk by then; only the mark of a 400 may follow.
   * @param untilMs monotonic: it ends before, also where it would have more time of its own
   * @throws AppError unavailable: the log may have the record nevertheless, and a replay will finish it.
   */
  async submit(submission: Submission, untilMs = Number.POSITIVE_INFINITY): Promise<Answer> {
    try {
      return await this.#submit(submission, untilMs)
    } catch (error) {
      this.#onUnavailable()
      throw error
    }
  }

  async #submit(submission: Submission, untilMs: number): Promise<Answer> {
    const { context, client } = submission
    const deadlineMs = Math.min(monotonicMs() + this.#submitTimeoutMs, untilMs)
    const call = { deadlineMs, context, client }
    const [place, assessed] = await sideBySide(
      this.#append(submission, call), // flushed
      this.#verifyAndJudge(submission, call),
    )
    const decision = await this.#putIfAbsent(assessed, place, call)
    await this.#mark(decision, place, call) // flushed: now it may be answered
    this.#count(decision)
    return decision.answer
  }

  /**
   * An open submission of a log: the same way, from step 3 on. Each hop has its own time only.
   * @param options alone: no service works on anything else from here meanwhile
   */
  async replay(
    submission: Submission,
    place: LogPlace,
    { alone = false }: { readonly alone?: boolean } = {},
  ): Promise<Answer> {
    const call = { context: submission.context, alone }
    const assessed = await this.#verifyAndJudge(submission, call)
    const decision = await this.#putIfAbsent(assessed, place, call)
    const count = (): void => this.#countReplayed(decision, place)
    await write(decision, place, true, { ...call, onLate: count })
    count()
    return decision.answer
  }

  /** The stored outcome of an id; acknowledges nothing by itself. @throws AppError pcs_not_found, unavailable. */
  async outcome(pcsId: string): Promise<Answered> {
    const verdict = await this.#services.dedup.get(pcsId, {
      deadlineMs: monotonicMs() + this.#submitTimeoutMs,
    })
    return stored(verdict?.outcome)
  }

  /**
   * Step 2: the bytes as they came, flushed, in the first log that takes them before the deadline. A log that failed may
   * have them nevertheless: that copy is replayed, and ends with what stands under its id.
   */
  async #append({ body, encoding }: Submission, call: LiveCall): Promise<LogPlace> {
    const item = { body, encoding, liveMs: this.#submitTimeoutMs, arrivedAtMs: this.#nowMs() }
    const count = once(() => this.#counters.ingest.inc())
    let failure: AppError | undefined
    for (const wal of this.#services.logsForAppend()) {
      try {
        // A flush that came too late for the answer is an append nevertheless.
        const position = await wal.append(item, { ...call, onLate: count })
        count()
        return { wal, position }
      } catch (error) {
        failure = toAppError(error)
        this.#onUnavailable()
        if (failure.code !== 'unavailable' || monotonicMs() >= call.deadlineMs) break
      }
    }
    this.#counters.walErrors.inc()
    throw failure ?? unavailable('no log is configured: set WAL_ADDR')
  }

  /** Steps 3, 4 and 6: a refusal is a value. That scoring cannot judge now need not be the end of a duplicate. */
  async #verifyAndJudge(submission: Submission, call: CallOptions): Promise<Assessment | AppError> {
    const { verifier, scoring } = this.#services
    const { body, encoding } = submission
    const verified = await verifier.verify({ body, encoding }, call)
    submission.pcsId = verified.pcsId
    if (verified instanceof AppError) return verified
    const judged = await scoring.judge({ record: verified.record }, call).catch(toAppError)
    return { verified, judged }
  }

  /**
   * Steps 5 and 7 in one: put-if-absent says what stands. Where there is nothing to put, the index is only asked.
   * An id that is not the hash of its parts does neither: it would poison another record's id.
   */
  async #putIfAbsent(
    assessed: Assessment | AppError,
    { position }: LogPlace,
    call: CallOptions,
  ): Promise<Decision> {
    if (assessed instanceof AppError) return refused(assessed)
    const { verified, judged } = assessed
    if (judged instanceof AppError) return this.#lookUp(verified, judged, position, call)
    const verdict = sealVerdict(judged, this.#nowMs(), position)
    if (!verified.idMatches) return judgedAlone(verdict)
    return decidedByIndex(await this.#services.dedup.putIfAbsent({ verdict }, call), verdict)
  }

  /** A duplicate or a conflict needs no judgement. @throws AppError what scoring failed with, where the id is new. */
  async #lookUp(
    { pcsId, fingerprint, idMatches }: verifier.Verified,
    judgedWith: AppError,
    origin: record.Position,
    call: CallOptions,
  ): Promise<Decision> {
    if (!idMatches) throw judgedWith
    const standing = await this.#services.dedup.lookup({ pcsId, fingerprint, origin }, call)
    if (standing.finding === dedup.Finding.FINDING_ABSENT) throw judgedWith
    return decidedByIndex(standing)
  }

  /**
   * Step 8. The mark of a 400 may be flushed after the answer; if it gets lost, a replay comes to the same. A 401 waits
   * for its mark: a replay under a key that was added meanwhile would accept what was refused.
   */
  async #mark(decision: Decision, place: LogPlace, call: CallOptions): Promise<void> {
    const onLate = (): void => this.#countOnce(decision, place)
    if (decision.status !== 400) await write(decision, place, false, { ...call, onLate })
    else write(decision, place, false, { context: call.context }).catch(() => this.#counters.walErrors.inc())
  }

  /**
   * A replay counts what was judged first, and nothing else: that its agent has been told something else meanwhile, or
   * that another log has the submission too, was counted there.
   */
  #countReplayed(decision: Decision, place: LogPlace): void {
    if (!(decision.answer instanceof AppError) && !decision.answer.replayed) this.#countOnce(decision, place)
  }

  /** A live mark that is flushed late and the one of its replay are two for one submission. */
  #countOnce(decision: Decision, { position: { logId, sequence } }: LogPlace): void {
    const place = `${logId} ${sequence}`
    if (this.#countedPlaces.has(place)) return
    this.#countedPlaces.add(place)
    const [oldest] = this.#countedPlaces
    if (oldest !== undefined && this.#countedPlaces.size > COUNTED_PLACES_MAX)
      this.#countedPlaces.delete(oldest)
    this.#count(decision)
  }

  /** The counters move once for each submission (the contract's section 5). */
  #count({ answer }: Decision): void {
    if (answer instanceof AppError) {
      if (answer.code === 'unauthenticated') this.#counters.signatureErrors.inc()
      if (answer.code === 'pcs_conflict') this.#counters.dedupConflicts.inc()
    } else if (answer.replayed) {
      this.#counters.dedupHits.inc()
    } else {
      if (answer.outcome.accepted) this.#counters.accepted.inc()
      if (answer.outcome.escalated) this.#counters.escalated.inc()
    }
  }
}

/** The same, but for calls after the first, which do nothing. */
function once(act: () => void): () => void {
  let isDone = false
  return () => {
    if (isDone) return
    isDone = true
    act()
  }
}

/** Waits for both. The first decides: where it fails, it does not matter what the second comes to. */
async function sideBySide<A, B>(first: Promise<A>, second: Promise<B>): Promise<[A, B]> {
  second.catch(() => undefined) // awaited below, unless the first fails
  return [await first, await second]
}

async function write(
  { status, verdict, indexed, generation }: Decision,
  { wal, position: { logId, sequence } }: LogPlace,
  replayed: boolean,
  call: CallOptions<record.Position>,
): Promise<void> {
  await wal.markDone({ logId, mark: { sequence, status, verdict, indexed, generation, replayed } }, call)
}
