import { bytesOfVerdict, dedup, verdictFromBytes } from '@fractal-lba/proto'
import {
  AppError,
  type Attributes,
  fromStatus,
  type GrpcService,
  grpcService,
  type HandledBatch,
  type Logger,
  type ProcessClock,
  toAppError,
  toStatus,
} from '@fractal-lba/runtime'
import type { Availability } from './index/index-keeper.js'
import type { Maintenance } from './index/maintenance.js'
import type { Found, Lookup, VerdictIndex } from './index/verdict-index.js'
import type { DedupMetrics } from './metrics.js'
import type { Store, StoredVerdict } from './store.js'
import { isComplete, isFingerprint, isPcsId, isPosition } from './verdict.js'

export interface DedupParts {
  readonly index: VerdictIndex
  readonly store: Store
  readonly availability: () => Availability
  readonly maintenance: Maintenance
  readonly metrics: DedupMetrics
  readonly clock: ProcessClock
  /** Takes the wall clock over, as an operator says, and asks the logs for theirs. @throws AppError */
  readonly confirmClock: (operatorClockMs: number) => Promise<void>
  readonly logger: Logger
}

/** flk.dedup.v1.DedupService over the index: only translation, no rules. */
export function dedupService({
  index,
  store,
  availability,
  maintenance,
  metrics,
  clock,
  confirmClock,
  logger,
}: DedupParts): GrpcService {
  const onError = (error: unknown): void => {
    if (toAppError(error).code === 'internal') logger.error({ err: error }, 'call failed')
  }
  /** Tells each trace of a batch what the index said, and what keeps it. */
  const told = (answers: dedup.Answer[], { contexts }: Partial<HandledBatch>): dedup.Answer[] => {
    for (const [item, context] of contexts?.entries() ?? []) context?.note?.(noteOf(answers[item], store))
    return answers
  }
  const lookup = async (
    items: readonly dedup.LookupItem[],
    batch: Partial<HandledBatch> = {},
  ): Promise<dedup.Answer[]> => {
    const answers = await answerEach(
      items.map(toLookup),
      async (lookups) => {
        const found = await metrics.timed('lookup', () => index.lookupMany(lookups))
        for (const { finding } of found) metrics.found('lookup', finding)
        return found
      },
      onError,
    )
    return told(answers, batch)
  }
  const put = async (
    items: readonly dedup.PutItem[],
    batch: Partial<HandledBatch> = {},
  ): Promise<dedup.Answer[]> => {
    const answers = await answerEach(
      items.map(toVerdict),
      async (verdicts) => {
        const found = await metrics.timed('put', () => index.putManyIfAbsent(verdicts))
        for (const one of found) if (!(one instanceof AppError)) metrics.found('put', one.finding)
        return found.map((one, item) => withoutEcho(one, verdicts[item]))
      },
      onError,
    )
    return told(answers, batch)
  }

  return grpcService(
    dedup.DedupServiceService,
    {
      lookup: async ({ item }) => ({ answer: await onlyOne(lookup([demandItem(item)])) }),
      lookupBatches: lookup,
      putIfAbsent: async ({ item }) => ({ answer: await onlyOne(put([demandItem(item)])) }),
      putIfAbsentBatches: put,
      get: async ({ pcsId }) => {
        if (!isPcsId(pcsId)) throw malformed('pcs_id is not 64 lower-case hex characters')
        const verdict = await metrics.timed('get', () => index.get(pcsId))
        if (!verdict) throw new AppError('pcs_not_found', 'no verdict is stored under this id')
        return { verdict }
      },
      getState: () => {
        const { up, remembered, refusal: storeRefusal } = store.state()
        const refusal = up ? index.refusal : (storeRefusal ?? 'the store is down')
        const state = availability()
        return {
          backend: store.backend,
          takesPuts: refusal === undefined,
          answers: state.answers && up,
          refusal: refusal ?? '',
          remembered,
          generation: state.answers ? state.generation : '',
          storeDown: !up,
        }
      },
      rebuild: (_request, { gone, draining }) => maintenance.rebuild(AbortSignal.any([gone, draining])),
      verify: () => maintenance.verify(),
      listLogs: () => maintenance.logs(),
      addLog: async ({ address }) => {
        const logId = await maintenance.addLog(address)
        logger.warn(
          { logId },
          `the log at ${address} was added by an operator: WAL_ADDR must name it at the next start`,
        )
        return { logId }
      },
      retireLog: (request, { gone, draining }) => {
        logger.warn({ ...request }, 'an operator has asked for the end of a log')
        return maintenance.retireLog(request, AbortSignal.any([gone, draining]))
      },
      confirmClock: async ({ operatorClockMs }) => {
        await confirmClock(operatorClockMs)
        const { nowMs, judgement } = clock
        logger.warn({ clockMs: nowMs(), doubt: judgement.why }, 'the clock was confirmed by an operator')
        return { clockMs: Math.round(nowMs()), doubt: judgement.why ?? '' }
      },
    },
    onError,
  )
}

/** Asks for the items that can be asked for, and gives each item its own answer or error. */
async function answerEach<Asked extends object>(
  asked: readonly (Asked | AppError)[],
  ask: (asked: readonly Asked[]) => Promise<(Found | AppError)[]>,
  onError: (error: unknown) => void,
): Promise<dedup.Answer[]> {
  const good = asked.flatMap((item) => (item instanceof AppError ? [] : [item]))
  const found = await ask(good).catch((error: unknown) => {
    onError(error)
    const failed = toAppError(error)
    return good.map(() => failed)
  })
  let next = 0
  return asked.map((item) => toAnswer(item instanceof AppError ? item : found[next++]))
}

const FINDINGS: Readonly<Partial<Record<dedup.Finding, string>>> = {
  [dedup.Finding.FINDING_OWN]: 'own',
  [dedup.Finding.FINDING_ABSENT]: 'absent',
  [dedup.Finding.FINDING_DUPLICATE]: 'duplicate',
  [dedup.Finding.FINDING_CONFLICT]: 'conflict',
}

function noteOf(answer: dedup.Answer | undefined, { backend }: Store): Attributes {
  const known = { 'pcs.store': backend }
  if (!answer || answer.error) return { ...known, 'error.type': answer?.error?.message ?? 'no answer' }
  return { ...known, 'pcs.finding': FINDINGS[answer.finding] ?? 'unspecified' }
}

const NO_BYTES = Buffer.alloc(0)

function toAnswer(found: Found | AppError | undefined): dedup.Answer {
  if (found && !(found instanceof AppError)) {
    // Written out, because a spread costs more than the look-up does.
    const { finding, verdict, generation } = found
    return { error: undefined, finding, verdict: verdict ? bytesOfVerdict(verdict) : NO_BYTES, generation }
  }
  const { FINDING_UNSPECIFIED } = dedup.Finding
  return { error: toStatus(found), finding: FINDING_UNSPECIFIED, verdict: NO_BYTES, generation: '' }
}

function toLookup({ pcsId, fingerprint, origin }: dedup.LookupItem): Lookup | AppError {
  if (!isPcsId(pcsId)) return malformed('pcs_id is not 64 lower-case hex characters')
  if (!isFingerprint(fingerprint)) return malformed('fingerprint is not 33 bytes')
  if (origin && !isPosition(origin)) return malformed('origin names no entry of a log')
  return { pcsId, fingerprint, origin }
}

/** Leaves the verdict out where it is the caller's own: the caller has it. */
function withoutEcho(found: Found | AppError, own: StoredVerdict | undefined): Found | AppError {
  if (found instanceof AppError || found.verdict !== own) return found
  return { finding: found.finding, verdict: undefined, generation: found.generation }
}

function toVerdict(item: dedup.PutItem): StoredVerdict | AppError {
  const verdict = verdictFromBytes(item.verdict)
  if (isComplete(verdict)) return verdict
  return malformed('the verdict lacks a part, or one of its parts has not its form')
}

function malformed(sentence: string): AppError {
  return new AppError('malformed', sentence)
}

function demandItem<T>(item: T | undefined): T {
  if (item === undefined) throw malformed('the request has no item')
  return item
}

/** A unary call fails with the error of its only item. */
async function onlyOne(answers: Promise<dedup.Answer[]>): Promise<dedup.Answer> {
  const [answer] = await answers
  if (!answer) throw new Error('a batch of one was answered by nothing')
  if (answer.error) throw fromStatus(answer.error)
  return answer
}
