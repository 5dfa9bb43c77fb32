import { REQUEST_BYTES_MAX } from '@fractal-lba/gateway'
import { dedup, ingest, scoring, verifier, wal } from '@fractal-lba/proto'
import type { Random } from '../random.js'
import { typed } from '../typed-record.js'
import { corpusOf } from './corpus.js'
import { changedMessage, delimited, PROTOBUF_TOKENS } from './protobuf.js'
import { randomRecord } from './records.js'

/** A method that is sent fuzzed messages, at the place by which inputs name it. */
export interface FuzzedMethod {
  readonly path: string
  readonly requestStream: boolean
  readonly requestBytesMax?: number
  readonly requestDeserialize: (bytes: Buffer) => unknown
  readonly requestSerialize: (message: never) => Buffer
}

const front = Object.values(ingest.IngestServiceService)
const inside = [
  ...Object.values(verifier.VerifierServiceService),
  ...Object.values(wal.WalServiceService),
  ...Object.values(dedup.DedupServiceService),
  ...Object.values(scoring.ScoringServiceService),
]

/** Those of the gateway first. */
export const methods: readonly FuzzedMethod[] = [
  ...front.map((method) => ({ ...method, requestBytesMax: REQUEST_BYTES_MAX })),
  ...inside,
]

export const FRONT_METHODS = front.length
const OTHERS = corpusOf('grpc')
const RECORD = 1
const ITEMS = 2

/** The first byte says which method, the rest is its message. @param count methods that may be meant */
export function messageInput(random: Random, count: number): Buffer {
  // Submit and SubmitBatch, through which strangers reach the most, are every other.
  const index = random(2) === 0 ? random(2) : random(count)
  return Buffer.concat([Buffer.from([index]), message(random, index)])
}

function message(random: Random, index: number): Buffer {
  const material = { tokens: PROTOBUF_TOKENS, others: OTHERS }
  const record = Buffer.from(ingest.PcsRecord.encode(typed(randomRecord(random).record)).finish())
  switch (random(8)) {
    case 0:
      return changedMessage(OTHERS[random(OTHERS.length)] ?? record, random, material)
    case 1:
      return delimited(RECORD, record)
    case 2:
      return random(64) === 0
        ? tooMuch(random)
        : changedMessage(delimited(ITEMS, delimited(1, record)), random, material)
    case 3:
      return index === 1
        ? Buffer.concat(
            Array.from({ length: random(5) }, () =>
              delimited(RECORD, changedMessage(record, random, material)),
            ),
          )
        : changedMessage(delimited(RECORD, record), random, material)
    default:
      return delimited(RECORD, changedMessage(record, random, material))
  }
}

/** Far too many parts, or one that never ends to descend. */
function tooMuch(random: Random): Buffer {
  const bytes = Buffer.alloc(2 * random(200_000), [0x0a, 0x12, 0x7a, 0x7b, 0x0b][random(5)] ?? 0)
  if (random(2) === 0) for (let at = 1; at < bytes.length; at += 2) bytes[at] = 0
  return random(2) === 0 ? bytes : delimited(RECORD, bytes)
}
