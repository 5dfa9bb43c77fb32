import type { InternalServiceName } from '@fractal-lba/runtime'
import {
  appendItem,
  type FreshRecord,
  lookupItem,
  type Message,
  marksOf,
  rawBody,
  typedRecord,
  verdictBytes,
  verifiedBytes,
  verifiedMessage,
} from './messages.js'

/** What the calls before have left, and what this one may send. */
export interface CallContext {
  /** Records that nobody has sent. */
  fresh(count: number): readonly FreshRecord[]
  /** Accepted by the gateway in this run. */
  readonly submitted: FreshRecord[]
  /** Appended straight to the log and not marked: its id, and their places. */
  open(): Promise<{ readonly logId: string; readonly sequences: readonly number[] }>
}

/** One RPC under load: load/ghz/NAME.json says how it is called. */
export interface GhzCall {
  readonly name: string
  readonly service: 'gateway' | InternalServiceName
  /**
   * Of a unary call each message is a request; of a stream all of them are sent in each call, and answered before it ends.
   * @param count of calls
   */
  messages(context: CallContext, count: number): Promise<readonly Message[]> | readonly Message[]
  /** What the calls have done to the gateway's counters and to the log; nothing unless told. */
  readonly effect?: Effect
}

export interface Effect {
  /** Records in one call. */
  readonly submits?: number
  /** Submissions that one call appends straight to the log. */
  readonly appends?: number
  /** One call, and no more: what it does cannot be done twice. */
  readonly once?: boolean
}

const BATCH = 32
/** A service takes so many at once of one stream. */
const BATCHES_A_STREAM = 4
const MARKS_A_BATCH = 256

const item = (message: Message): Message => ({ item: message })
const batches = (items: readonly Message[], size = BATCH): readonly Message[] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, index) => ({
    batch: index + 1,
    items: items.slice(index * size, (index + 1) * size),
  }))
const ofEach = (of: (fresh: FreshRecord) => Message) => (context: CallContext, count: number) =>
  context.fresh(count).map(of)
const stream = (of: (fresh: FreshRecord) => Message) => (context: CallContext) =>
  batches(context.fresh(BATCH * BATCHES_A_STREAM).map(of))

/** In this order: what later ones read or mark, earlier ones have written. */
export const ghzCalls: readonly GhzCall[] = [
  {
    ...{ name: 'submit', service: 'gateway', effect: { submits: 1 } },
    messages(context, count) {
      const fresh = context.fresh(count)
      context.submitted.push(...fresh)
      return fresh.map((one) => ({ record: typedRecord(one) }))
    },
  },
  {
    ...{ name: 'submit-batch', service: 'gateway', effect: { submits: BATCH } },
    messages: (context, count) =>
      Array.from({ length: count }, () => ({ records: context.fresh(BATCH).map(typedRecord) })),
  },
  {
    ...{ name: 'get-outcome', service: 'gateway' },
    messages: ({ submitted }) => submitted.map(({ pcs }) => ({ pcs_id: pcs.pcs_id })),
  },
  { name: 'verify', service: 'verifier', messages: ofEach(rawBody) },
  { name: 'verify-batches', service: 'verifier', messages: stream(rawBody) },
  {
    ...{ name: 'judge', service: 'signal-scoring' },
    messages: ofEach((fresh) => ({ record: verifiedMessage(fresh) })),
  },
  {
    ...{ name: 'judge-batches', service: 'signal-scoring' },
    messages: stream((fresh) => ({ record: verifiedBytes(fresh) })),
  },
  { name: 'lookup', service: 'dedup', messages: ofEach((fresh) => item(lookupItem(fresh))) },
  { name: 'lookup-batches', service: 'dedup', messages: stream(lookupItem) },
  {
    name: 'put-if-absent',
    service: 'dedup',
    messages: ofEach((fresh) => item({ verdict: verdictBytes(fresh) })),
  },
  {
    ...{ name: 'put-if-absent-batches', service: 'dedup' },
    messages: stream((fresh) => ({ verdict: verdictBytes(fresh) })),
  },
  {
    ...{ name: 'get', service: 'dedup' },
    messages: ({ submitted }) => submitted.map(({ pcs }) => ({ pcs_id: pcs.pcs_id })),
  },
  {
    ...{ name: 'append', service: 'wal', effect: { appends: 1 } },
    messages: ofEach((fresh) => item(appendItem(fresh))),
  },
  {
    ...{ name: 'mark-done', service: 'wal', effect: { once: true } },
    messages: async (context) => {
      const { logId, sequences } = await context.open()
      return marksOf(logId, sequences).map(item)
    },
  },
  {
    ...{ name: 'append-batches', service: 'wal', effect: { appends: BATCH * BATCHES_A_STREAM } },
    messages: stream(appendItem),
  },
  {
    ...{ name: 'mark-done-batches', service: 'wal', effect: { once: true } },
    messages: async (context) => {
      const { logId, sequences } = await context.open()
      return batches(marksOf(logId, sequences), MARKS_A_BATCH)
    },
  },
  { name: 'read-marks', service: 'wal', messages: () => [{ from_sequence: 0 }] },
]
