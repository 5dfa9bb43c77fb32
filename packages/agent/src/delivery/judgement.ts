import { jsonObject } from '@fractal-lba/runtime/text'
import type { Exchange } from '../exchange.js'

/** What becomes of a record after an answer. */
export type Judgement =
  /** It was judged, now or before: the verdict is the body. */
  | 'acknowledged'
  /** Another record came first under its id. */
  | 'conflict'
  /** Nobody judged it; the same bytes may be judged later. */
  | 'retry'
  /** It was refused for good, or by something that a person must look at. */
  | 'dead'

const RETRY = new Set([408, 429, 502, 503, 504])

/**
 * What an answer means for the record that was sent. A 200 or 202 counts only with a verdict on that very
 * record: what stands between agent and gateway (a proxy, the login page of a network) answers 200 as well, and
 * to take that for a verdict would lose the record.
 */
export function judge({ status, body }: Pick<Exchange, 'status' | 'body'>, pcsId: string): Judgement {
  if (status === 200 || status === 202) return isVerdictOn(pcsId, body) ? 'acknowledged' : 'retry'
  if (status === 409) return 'conflict'
  return RETRY.has(status) ? 'retry' : 'dead'
}

function isVerdictOn(pcsId: string, body: string): boolean {
  const verdict = jsonObject(body)
  return (
    verdict?.pcs_id === pcsId &&
    typeof verdict.accepted === 'boolean' &&
    typeof verdict.escalated === 'boolean'
  )
}
