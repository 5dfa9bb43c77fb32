import { jsonObject } from '@fractal-lba/runtime/text'
import type { Exchange } from '../exchange.js'

/** What becomes of a record after an answer. */
export type Judgement =
  /** It was judged, now or before: the verdict is the body. */
  | 'acknowledged'
  /** Another record came first under its id. */
  | 'conflict'
  /** The gateway refused it for good. */
  | 'dead'
  /** The gateway did not judge it; the same bytes may be judged later. */
  | 'retry'

/** The gateway's problems that say something about the record itself, by their type (the contract, section 5). */
const SETTLING = new Map<unknown, { readonly status: number; readonly judgement: Judgement }>([
  ['/problems/malformed', { status: 400, judgement: 'dead' }],
  ['/problems/unauthenticated', { status: 401, judgement: 'dead' }],
  ['/problems/pcs-conflict', { status: 409, judgement: 'conflict' }],
  ['/problems/too-large', { status: 413, judgement: 'dead' }],
])

/**
 * What an answer means for the record that was sent. Only the gateway settles a record: by a verdict on that very
 * record, or by a problem document of a type that is about the record. Whatever else answers (a proxy, the login page
 * of a network, another server at that address) shows that the gateway is not there: taken for its word, it would
 * lose the record.
 */
export function judge(
  { status, contentType, body }: Pick<Exchange, 'status' | 'contentType' | 'body'>,
  pcsId: string,
): Judgement {
  if (status === 200 || status === 202) return isVerdictOn(pcsId, body) ? 'acknowledged' : 'retry'
  if (!isProblem(contentType)) return 'retry'
  const settling = SETTLING.get(jsonObject(body)?.type)
  return settling?.status === status ? settling.judgement : 'retry'
}

function isProblem(contentType: string | undefined): boolean {
  return contentType?.split(';')[0]?.trim().toLowerCase() === 'application/problem+json'
}

function isVerdictOn(pcsId: string, body: string): boolean {
  const verdict = jsonObject(body)
  return (
    verdict?.pcs_id === pcsId &&
    typeof verdict.accepted === 'boolean' &&
    typeof verdict.escalated === 'boolean'
  )
}
