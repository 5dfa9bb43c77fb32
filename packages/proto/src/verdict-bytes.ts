import { BinaryReader } from '@bufbuild/protobuf/wire'
import { encoderOf } from './encoder.js'
import { Outcome, type Position, Verdict } from './gen/flk/record/v1/record.js'

/** A verdict as marks and put requests carry it: made once, so that log and index get the same bytes. */
export const bytesOfVerdict = encoderOf(Verdict)

const NO_BYTES = Buffer.alloc(0)

/**
 * Completes a verdict that lacks the time of judgement and the submission that was judged, as scoring gives it: their
 * bytes are appended, which means the same in protobuf as to decode, set and encode again.
 *
 * @param judgedAtMs wall clock, milliseconds since 1970
 */
export function sealVerdict(judged: Uint8Array, judgedAtMs: number, origin: Position): Buffer {
  // Every property by its name: this is done for each record, and a spread is far dearer.
  const rest: Verdict = {
    outcome: undefined,
    fingerprint: NO_BYTES,
    keyId: '',
    parameters: undefined,
    judgedAtMs,
    origin,
  }
  return Buffer.concat([judged, bytesOfVerdict(rest)])
}

const OUTCOME_TAG = (1 << 3) | 2

/**
 * The outcome of an encoded Verdict, without the rest of it.
 * @returns undefined where there is none, or no Verdict can be read from the bytes.
 */
export function outcomeOfVerdict(bytes: Uint8Array): Outcome | undefined {
  return readable(() => {
    const reader = new BinaryReader(bytes)
    let outcome: Outcome | undefined
    while (reader.pos < reader.len) {
      const tag = reader.uint32()
      if (tag === OUTCOME_TAG) outcome = Outcome.decode(reader, reader.uint32())
      else reader.skip(tag & 7)
    }
    return outcome
  })
}

/** @returns undefined where there are no bytes, or no Verdict can be read from them. */
export function verdictFromBytes(bytes: Uint8Array | undefined): Verdict | undefined {
  return bytes && readable(() => Verdict.decode(bytes))
}

/** The decoder throws plain errors for whatever it cannot read. */
function readable<Message>(read: () => Message): Message | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof Error) return undefined
    throw error
  }
}
