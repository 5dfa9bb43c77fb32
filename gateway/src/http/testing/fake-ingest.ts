import { renderOutcome } from '@fractal-lba/pcs'
import type { Answer, Answered } from '../../decision.js'
import type { Ingest, Submission } from '../../ingest.js'

export const ACCEPTED: Answered = {
  status: 200,
  outcome: {
    pcsId: 'c248cdf62583c11af721b35007fceb6010132732033c935a650402534a5eaf41',
    accepted: true,
    escalated: false,
    reason: undefined,
    message: undefined,
    recomputedDHat: 0.866733469,
    recomputedBudget: 0.396,
    regime: 'sticky',
    params: '0123456789ab',
  },
  replayed: false,
}
export const ACCEPTED_BODY = renderOutcome(ACCEPTED.outcome)

/** Stands where the way of a record begins: keeps what it was given and gives the answer that is set. */
export class FakeIngest implements Pick<Ingest, 'submit' | 'outcome'> {
  readonly submissions: { readonly raw: Buffer; readonly traceparent: string }[] = []
  readonly asked: string[] = []
  answer: (raw: Buffer) => Promise<Answered> = async () => ACCEPTED

  submit({ body, context }: Submission): Promise<Answer> {
    this.submissions.push({ raw: body, traceparent: context?.traceparent ?? '' })
    return this.answer(body)
  }

  async outcome(pcsId: string): Promise<Answered> {
    this.asked.push(pcsId)
    return { ...(await this.answer(Buffer.alloc(0))), replayed: true }
  }
}
