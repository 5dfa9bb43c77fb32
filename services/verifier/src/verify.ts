import {
  canonicalFields,
  countsOfScales,
  type Ed25519Check,
  fingerprint,
  hasMatchingId,
  type KeyRing,
  MalformedRecord,
  type Pcs,
  parseRecord,
  round9,
  validateRecord,
  verifySignatureBy,
} from '@fractal-lba/pcs'
import { record } from '@fractal-lba/proto'
import { AppError, type CallContext, type ErrorDetails } from '@fractal-lba/runtime'
import { recordFromProtobuf } from './protobuf-record.js'

/** A record that is refused: malformed, or unauthenticated. */
export class RefusedRecord extends AppError {
  /** What stands in its place, where that has the right form. */
  readonly pcsId: string | undefined

  constructor(
    code: 'malformed' | 'unauthenticated',
    message: string,
    { pcsId, ...details }: ErrorDetails & { readonly pcsId: string | undefined },
  ) {
    super(code, message, details)
    this.pcsId = pcsId
  }
}

export interface VerifyOptions {
  readonly check?: Ed25519Check<Promise<boolean>>
  /** Whose trace is told what a verified record says of itself. */
  readonly context?: CallContext | undefined
}

/**
 * Steps 3 and 4 of the contract's section 4: parse and validate, then the signature, then the id. This is the
 * only place in the system that reads the bytes of a record; they are read before the first wait.
 *
 * @throws RefusedRecord malformed with all violations, or unauthenticated whatever is wrong with the signature.
 */
export async function verify(
  body: Uint8Array,
  encoding: record.Encoding,
  keys: KeyRing,
  { check = checkAside, context }: VerifyOptions = {},
): Promise<record.VerifiedRecord> {
  const pcs = parse(body, encoding)
  const texts = canonicalFields(pcs)
  const keyId = await verifySignatureBy(check, pcs, keys, texts)
  if (keyId === undefined) {
    const { pcs_id: pcsId } = pcs
    throw new RefusedRecord('unauthenticated', 'the signature is missing or does not verify', { pcsId })
  }
  context?.note?.({ 'pcs.id': pcs.pcs_id, 'pcs.shard': pcs.shard_id })
  return {
    pcsId: pcs.pcs_id,
    fingerprint: fingerprint(pcs, texts),
    keyId,
    idMatches: hasMatchingId(pcs),
    scales: [...pcs.scales],
    counts: countsOfScales(pcs),
    dHat: round9(pcs.D_hat),
    cohStar: round9(pcs.coh_star),
    r: round9(pcs.r),
    budget: round9(pcs.budget),
    regime: pcs.regime,
  }
}

const checkAside: Ed25519Check<Promise<boolean>> = (key, digest, signature) =>
  key.verifyAside(digest, signature)

function parse(body: Uint8Array, encoding: record.Encoding): Pcs {
  try {
    switch (encoding) {
      case record.Encoding.ENCODING_JSON:
        return parseRecord(body)
      case record.Encoding.ENCODING_PROTOBUF:
        return validateRecord(recordFromProtobuf(body))
      default:
        throw new AppError('malformed', 'the encoding of the record is not known')
    }
  } catch (error) {
    if (!(error instanceof MalformedRecord)) throw error
    const { message, errors: violations, pcsId } = error
    throw new RefusedRecord('malformed', message, { violations, cause: error, pcsId })
  }
}
