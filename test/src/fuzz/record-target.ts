import { ingest, record } from '@fractal-lba/proto'
import { seededRandom } from '../random.js'
import type { TestRecord } from '../records.js'
import { typed } from '../typed-record.js'
import { recordBody } from './json.js'
import { judged } from './judged.js'
import { BrokenPromise, type FuzzTarget, promised } from './target.js'

const BODY_BYTES_MAX = 64 * 2 ** 10
/** Written as an integer it is 0, by the contract; JSON.parse makes a −0 of it, which protobuf keeps. */
const INTEGER_MINUS_ZERO = /-0(?![.\deE])/
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Bodies of POST /v1/pcs/submit: size, strict parser, validation, signature, judgement, and the form of what is answered.
 * Two others are asked what they think: JSON.parse, which may take nothing less, and the protobuf form of what was verified,
 * whose fingerprint must be the same.
 */
export const recordTarget: FuzzTarget = {
  name: 'record',
  input: (seed) => recordBody(seededRandom(seed)),
  async feed(body) {
    if (body.length > BODY_BYTES_MAX) return '413'
    const { status, verified } = await judged(body, record.Encoding.ENCODING_JSON)
    const plain = plainly(body)
    promised(plain.isJson || status === 400, 'what is no JSON is a 400')
    if (verified && !INTEGER_MINUS_ZERO.test(body.toString('latin1'))) {
      const encoded = ingest.PcsRecord.encode(typed(plain.value as TestRecord)).finish()
      const other = await judged(Buffer.from(encoded), record.Encoding.ENCODING_PROTOBUF)
      if (other.verified?.fingerprint === undefined || !sameBytes(other.verified, verified)) {
        throw new BrokenPromise('the same content has one fingerprint in both encodings')
      }
    }
    return String(status)
  },
}

function plainly(body: Buffer): { readonly isJson: boolean; readonly value?: unknown } {
  try {
    return { isJson: true, value: JSON.parse(utf8.decode(body)) }
  } catch {
    return { isJson: false }
  }
}

function sameBytes(one: record.VerifiedRecord, other: record.VerifiedRecord): boolean {
  const bytes = (verified: record.VerifiedRecord) => record.VerifiedRecord.encode(verified).finish()
  return Buffer.compare(bytes(one), bytes(other)) === 0
}
