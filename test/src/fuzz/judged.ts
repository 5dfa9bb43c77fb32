import { defaultParameters, hmacKey, httpStatusOf, type KeyRing, renderOutcome } from '@fractal-lba/pcs'
import type { record } from '@fractal-lba/proto'
import { errorTable, toStatus, type Violation } from '@fractal-lba/runtime'
import { createJudge } from '@fractal-lba/signal-scoring-service'
import { RefusedRecord, verify } from '@fractal-lba/verifier-service'
import { FUZZ_KEY_TEXT } from './records.js'
import { promised } from './target.js'

const RING: KeyRing = { algorithm: 'hmac', keys: [hmacKey(FUZZ_KEY_TEXT)] }
const judge = createJudge(defaultParameters)

const POINTER = /^(\/[\x21-\x7e]*)?$/
const POINTER_CHARACTERS_MAX = 128
const VIOLATIONS_MAX = 100
/** Printable ASCII and what a rule's sentence may have beside it; no line, no mark, nothing of a payload. */
const DETAIL = /^[\x20-\x7e±−–★“”’ ≤≥…]{1,300}$/u
/** Fuzzed texts have this where a payload might be told. */
const PLANTED = 'PLANTED'

/** What became of a record: the status that is answered, and what was verified. */
export interface Judged {
  readonly status: number
  readonly verified?: record.VerifiedRecord
}

/**
 * Verifier and judge, on the bytes of a record, as services of the product do it.
 * @throws BrokenPromise where an answer has not the form of the contract's section 5; whatever the product throws that is
 * no refusal
 */
export async function judged(body: Buffer, encoding: record.Encoding): Promise<Judged> {
  let verified: record.VerifiedRecord
  try {
    verified = await verify(body, encoding, RING)
  } catch (error) {
    if (!(error instanceof RefusedRecord)) throw error
    checkRefusal(error)
    return { status: errorTable[error.code].http }
  }
  const outcome = judge(verified)
  const text = renderOutcome(outcome)
  promised(JSON.parse(text).pcs_id === verified.pcsId, 'an outcome is JSON with the id of its record')
  const status = httpStatusOf(outcome)
  promised(outcome.accepted || outcome.reason !== undefined, 'what is not accepted has a reason')
  promised((status === 202) === outcome.escalated, 'what is escalated is a 202')
  return { status, verified }
}

function checkRefusal(refusal: RefusedRecord): void {
  const { code, message, violations } = refusal
  promised(code === 'malformed' || code === 'unauthenticated', 'a verifier refuses with 400 or 401')
  promised(DETAIL.test(message), 'a refusal is a sentence in one line')
  promised(
    code === 'unauthenticated' ? violations.length === 0 : violations.length > 0,
    'a 400 tells its errors',
  )
  promised(violations.length <= VIOLATIONS_MAX, 'at most 100 errors are told')
  for (const violation of violations) checkViolation(violation)
  promised(toStatus(refusal).code === errorTable[code].grpc, 'a refusal has its code of gRPC')
}

function checkViolation({ pointer, detail }: Violation): void {
  promised(
    POINTER.test(pointer) && pointer.length <= POINTER_CHARACTERS_MAX,
    'a pointer is short and printable',
  )
  promised(DETAIL.test(detail), 'a detail is a short sentence in one line')
  promised(!detail.includes(PLANTED), 'a detail has nothing of the payload')
}
