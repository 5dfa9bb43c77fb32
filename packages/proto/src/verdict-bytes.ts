import { encoderOf } from './encoder.js'
import { Verdict } from './gen/flk/record/v1/record.js'

/** A verdict as marks and put requests carry it: made once, so that log and index get the same bytes. */
export const bytesOfVerdict = encoderOf(Verdict)

/** @returns undefined where there are no bytes, or no Verdict can be read from them. */
export function verdictFromBytes(bytes: Uint8Array | undefined): Verdict | undefined {
  if (bytes === undefined) return undefined
  try {
    return Verdict.decode(bytes)
  } catch (error) {
    // The decoder throws plain errors for whatever it cannot read.
    if (error instanceof Error) return undefined
    throw error
  }
}
