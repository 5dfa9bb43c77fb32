import { encoderOf } from './encoder.js'
import { Clock, DeadLetter, Drain, Fence, Mark, Redrive, Submission } from './gen/flk/log/v1/log.js'
import { Encoding } from './gen/flk/record/v1/record.js'

/**
 * The types of the records in a wal service's log: each says which message of flk.log.v1 the body is. The numbers stand
 * on the disk: never reuse one. 1 was a submission without an envelope, before 0.1.
 */
export const LOG_RECORD_TYPE = {
  mark: 2,
  fence: 3,
  deadLetter: 4,
  redrive: 5,
  submission: 6,
  clock: 7,
  drain: 8,
} as const

/** A record as a log takes it: its type, how its body is encoded (always protobuf), and the body. */
export interface EncodedLogRecord {
  readonly type: number
  readonly encoding: number
  readonly body: Uint8Array
}

/** What a log gives back; `body` is undefined where compaction has dropped it. */
interface WithBody {
  readonly body: Uint8Array | undefined
}

interface Codec<Message> {
  encode: Parameters<typeof encoderOf<Message>>[0]['encode']
  decode(bytes: Uint8Array): Message
}

function recordOf<Message>(type: number, codec: Codec<Message>) {
  const encode = encoderOf(codec)
  return {
    encode: (message: Message): EncodedLogRecord => ({
      type,
      encoding: Encoding.ENCODING_PROTOBUF,
      body: encode(message),
    }),
    /** @returns undefined where compaction has dropped the body. @throws Error when the body is no such message. */
    decode: ({ body }: WithBody): Message | undefined => body && codec.decode(body),
  }
}

/** Encodes and decodes the records of a log: the one place that knows what stands in their bodies. */
export const logRecords = {
  submission: recordOf<Submission>(LOG_RECORD_TYPE.submission, Submission),
  mark: recordOf<Mark>(LOG_RECORD_TYPE.mark, Mark),
  fence: recordOf<Fence>(LOG_RECORD_TYPE.fence, Fence),
  deadLetter: recordOf<DeadLetter>(LOG_RECORD_TYPE.deadLetter, DeadLetter),
  redrive: recordOf<Redrive>(LOG_RECORD_TYPE.redrive, Redrive),
  clock: recordOf<Clock>(LOG_RECORD_TYPE.clock, Clock),
  drain: recordOf<Drain>(LOG_RECORD_TYPE.drain, Drain),
}
