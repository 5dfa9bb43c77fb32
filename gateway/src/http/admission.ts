import type { IncomingMessage } from 'node:http'
import { type ProblemKind, recordProblems } from '@fractal-lba/http-api'
import { isInUtf8 } from './media-type.js'

/** Why a request is refused: the kind of problem and a sentence for this one. */
export interface Refusal {
  readonly kind: ProblemKind
  readonly detail: string
  /** It cost as much as many others until it was refused. */
  readonly isDear?: boolean
}

const unsupported = (detail: string): Refusal => ({ kind: recordProblems.unsupported_media_type, detail })

const TWO_TYPES = unsupported('there is more than one Content-Type')
const ENCODED = unsupported('the body has a content encoding; it must have none')
const TRANSFER_CODED = unsupported('the body has a transfer coding other than chunked')

export function tooLarge(bodyBytesMax: number): Refusal {
  return { kind: recordProblems.too_large, detail: `the body has more than ${bodyBytesMax} bytes` }
}

export const late: Refusal = {
  kind: recordProblems.body_timeout,
  detail: 'headers and body were not complete in the time that a request may take',
}

export const tooManyChunks: Refusal = {
  kind: recordProblems.too_large,
  detail: 'the body comes in too many chunks for its size',
  isDear: true,
}

/**
 * What the headers alone say against a submission: the contract's section 4, step 1, up to the size. A body whose
 * size is not declared is measured while it is read.
 * @param mediaType what the path takes
 */
export function refusalByHeaders(
  request: IncomingMessage,
  mediaType: string,
  bodyBytesMax: number,
): Refusal | undefined {
  const { headers } = request
  const type = headers['content-type']
  if (type === undefined) return unsupported(`there is no Content-Type; it must be ${mediaType}`)
  if (!isInUtf8(type, mediaType)) return unsupported(`the Content-Type is not ${mediaType} in UTF-8`)
  if (occursTwice(request.rawHeaders, 'content-type')) return TWO_TYPES
  const encoding = headers['content-encoding']
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') return ENCODED
  const coding = headers['transfer-encoding']
  if (coding !== undefined && coding.toLowerCase() !== 'chunked') return TRANSFER_CODED
  if (Number(headers['content-length']) > bodyBytesMax) return tooLarge(bodyBytesMax)
  return undefined
}

/** Node keeps the first of two such headers and drops the second: what another reader takes may differ. */
export function occursTwice(rawHeaders: readonly string[], name: string): boolean {
  let seen = false
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const header = rawHeaders[index]
    if (header?.length !== name.length || header.toLowerCase() !== name) continue
    if (seen) return true
    seen = true
  }
  return false
}
