import { bytesOfVerdict, dedup, type record, type scoring } from '@fractal-lba/proto'
import { AppError, monotonicMs, unavailable } from '@fractal-lba/runtime'
import type { DedupClient } from './clients/dedup.js'
import type { ScoringClient } from './clients/scoring.js'
import type { VerifierClient } from './clients/verifier.js'
import type { WalClient } from './clients/wal.js'
import type { Counters } from './counters.js'

/** The four services, as the gateway sees them. */
export interface Services {
  /** The log for the next submission. @throws AppError unavailable where none can be used. */
  readonly walForAppend: () => WalClient
  readonly verifier: VerifierClient
  readonly scoring: ScoringClient
  readonly dedup: DedupClient
}

/** One submission: its bytes as they came. */
export interface Submission {
  readonly body: Buffer
  readonly encoding: record.Encoding
  readonly traceparent: string
}

/** Where a submission stands in a log. */
export interface Entry {
  readonly wal: WalClient
  readonly position: record.Position
}

/** What the agent is told. */
export interface Answered {
  readonly outcome: record.Outcome
  /** The outcome was there before this submission came. */
  readonly replayed: boolean
}

/** What is found out about a submission without changing anything. */
interface Assessment {
  readonly record: record.VerifiedRecord
  readonly judging: Promise<scoring.Judgement>
  /** Undefined where the id may not be looked up. */
  readonly known: dedup.Answer | undefined
}

/** The verdict on a submission before it may be told: its mark is still to be flushed. */
interface Decision {
  readonly status: 200 | 202 | 409
  readonly verdict: record.Verdict
  /** The same, as the mark carries it. */
  readonly sealed: Buffer
  readonly finding: dedup.Finding
  readonly indexed: boolean
  readonly generation: string
}

interface FinishOptions {
  readonly replay: boolean
  /** Monotonic; undefined: each hop has its own time only. */
  readonly deadlineMs?: number
}

/** The way of a record: the contract's section 4, step by step. */
export class Ingest {
  constructor(
    private readonly services: Services,
    private readonly counters: Counters,
    private readonly submitTimeoutMs: number,
  ) {}

  /**
   * A live submission. When this resolves or says no, what it says is on the disk.
   * @throws AppError malformed, unauthenticated, pcs_conflict, or unavailable (then the log may still have the
   * record, and a replay will finish it).
   */
  async submit(submission: Submission): Promise<Answered> {
    const deadlineMs = monotonicMs() + this.submitTimeoutMs
    // What changes nothing anywhere may go on while the log is being written.
    const assessing = begin(this.assess(submission, undefined, deadlineMs))
    const entry = await this.append(submission, deadlineMs) // flushed
    return this.decideAndMark(entry, submission, assessing, { replay: false, deadlineMs })
  }

  /** An open submission from the log: the same way, from step 3 on. */
  async finish(entry: Entry, submission: Submission): Promise<Answered> {
    const assessing = this.assess(submission, entry.position, undefined)
    return this.decideAndMark(entry, submission, assessing, { replay: true })
  }

  /** Steps 7 and 8, after steps 3 to 6: the same for live and open submissions. */
  private async decideAndMark(
    entry: Entry,
    _submission: Submission,
    assessing: Promise<Assessment>,
    options: FinishOptions,
  ): Promise<Answered> {
    const assessment = await this.assessed(entry, assessing, options)
    const decision = await this.decide(entry, assessment, options.deadlineMs)
    await this.mark(entry, decision, options) // flushed: now it may be told
    this.count(decision)
    return answer(decision)
  }

  /** The stored outcome of an id; acknowledges nothing by itself. @throws AppError pcs_not_found, unavailable. */
  async outcome(pcsId: string): Promise<Answered> {
    const verdict = await this.services.dedup.get(pcsId)
    return { outcome: demandOutcome(verdict), replayed: true }
  }

  private async append({ body, encoding }: Submission, deadlineMs: number): Promise<Entry> {
    try {
      const wal = this.services.walForAppend()
      const position = await wal.append(
        { body, encoding, liveMs: this.submitTimeoutMs, arrivedAtMs: 0 },
        { deadlineMs },
      )
      this.counters.ingest.inc()
      return { wal, position }
    } catch (error) {
      this.counters.walErrors.inc()
      throw error
    }
  }

  /**
   * Steps 3 to 6: verified, looked up and judged. Judging costs less than waiting to know whether it is needed.
   * @param origin undefined while the record has no place in the log yet.
   */
  private async assess(
    { body, encoding }: Submission,
    origin: record.Position | undefined,
    deadlineMs: number | undefined,
  ): Promise<Assessment> {
    const { verifier, scoring, dedup } = this.services
    const record = await verifier.verify({ body, encoding }, { deadlineMs })
    const judging = begin(scoring.judge({ record }, { deadlineMs }))
    // A pcs_id that is not the hash of its parts is neither looked up nor put: it would poison another's id.
    if (!record.idMatches) return { record, judging, known: undefined }
    const { pcsId, fingerprint } = record
    const known = await dedup.lookup({ pcsId, fingerprint, origin }, { deadlineMs })
    return { record, judging, known }
  }

  /** A refusal is a mark too. */
  private async assessed(
    entry: Entry,
    assessing: Promise<Assessment>,
    options: FinishOptions,
  ): Promise<Assessment> {
    try {
      return await assessing
    } catch (error) {
      if (error instanceof AppError && (error.code === 'malformed' || error.code === 'unauthenticated')) {
        if (error.code === 'unauthenticated') this.counters.signatureErrors.inc()
        await this.refuse(entry, error.code === 'malformed' ? 400 : 401, options)
      }
      throw error
    }
  }

  /** First write wins: what the index has stands, else this judgement is put. */
  private async decide(
    { position }: Entry,
    { record, judging, known }: Assessment,
    deadlineMs: number | undefined,
  ): Promise<Decision> {
    if (known && known.finding !== dedup.Finding.FINDING_ABSENT) return decision(known)
    const own = ownVerdict(record, await judging, position)
    if (!known)
      return { ...own, status: 202, finding: dedup.Finding.FINDING_OWN, indexed: false, generation: '' }
    const standing = await this.services.dedup.putIfAbsent({ verdict: own.sealed }, { deadlineMs })
    return decision(standing, own)
  }

  private async mark({ wal, position }: Entry, decision: Decision, options: FinishOptions): Promise<void> {
    const { status, sealed, indexed, generation } = decision
    const { sequence, logId } = position
    const mark = { sequence, status, verdict: sealed, indexed, generation, replayed: options.replay }
    await wal.markDone({ logId, mark }, options)
  }

  /** The mark of a 400 or 401 may be flushed after the answer; if it gets lost, the replay comes to the same. */
  private async refuse(
    { wal, position }: Entry,
    status: 400 | 401,
    { replay }: FinishOptions,
  ): Promise<void> {
    const { sequence, logId } = position
    const mark = { sequence, status, verdict: undefined, indexed: false, generation: '', replayed: replay }
    const marked = wal.markDone({ logId, mark })
    if (replay) await marked
    else marked.catch(() => this.counters.walErrors.inc())
  }

  private count({ finding, verdict }: Decision): void {
    switch (finding) {
      case dedup.Finding.FINDING_DUPLICATE:
        this.counters.dedupHits.inc()
        return
      case dedup.Finding.FINDING_CONFLICT:
        this.counters.dedupConflicts.inc()
        return
      default:
        if (verdict.outcome?.accepted) this.counters.accepted.inc()
        if (verdict.outcome?.escalated) this.counters.escalated.inc()
    }
  }
}

/** A call whose answer is looked at later, or not at all: until then its failure is nobody's. */
function begin<T>(call: Promise<T>): Promise<T> {
  call.catch(() => undefined)
  return call
}

type SealedVerdict = Pick<Decision, 'verdict' | 'sealed'>

function ownVerdict(
  record: record.VerifiedRecord,
  { outcome, parameters }: scoring.Judgement,
  origin: record.Position,
): SealedVerdict {
  const { fingerprint, keyId } = record
  const verdict = { outcome, fingerprint, keyId, parameters, judgedAtMs: Date.now(), origin }
  return { verdict, sealed: bytesOfVerdict(verdict) }
}

/** @param own what was put; the index repeats it only where something else stands. */
function decision({ finding, verdict: standing, generation }: dedup.Answer, own?: SealedVerdict): Decision {
  if (standing)
    return decisionOn(finding, { verdict: standing, sealed: bytesOfVerdict(standing) }, generation)
  if (!own || finding !== dedup.Finding.FINDING_OWN) throw unavailable('dedup answered without a verdict')
  return decisionOn(finding, own, generation)
}

function decisionOn(
  finding: dedup.Finding,
  { verdict, sealed }: SealedVerdict,
  generation: string,
): Decision {
  const status = finding === dedup.Finding.FINDING_CONFLICT ? 409 : statusOf(demandOutcome(verdict))
  return { status, verdict, sealed, finding, indexed: true, generation }
}

function answer({ finding, verdict }: Decision): Answered {
  if (finding === dedup.Finding.FINDING_CONFLICT) {
    throw new AppError('pcs_conflict', 'a record with this pcs_id and other content has been judged before')
  }
  return { outcome: demandOutcome(verdict), replayed: finding === dedup.Finding.FINDING_DUPLICATE }
}

function demandOutcome(verdict: record.Verdict | undefined): record.Outcome {
  if (!verdict?.outcome) throw unavailable('the stored verdict has no outcome')
  return verdict.outcome
}

/** 200 for what was accepted with nothing to say about it, else 202. */
export function statusOf({ accepted, escalated }: record.Outcome): 200 | 202 {
  return accepted && !escalated ? 200 : 202
}
