import type { Ingest, Submitted } from '../ingest-port.js'

export const ACCEPTED: Submitted = {
  status: 200,
  body: '{"pcs_id":"c248cdf62583c11af721b35007fceb6010132732033c935a650402534a5eaf41","accepted":true,"escalated":false,"recomputed_D_hat":0.866733469,"recomputed_budget":0.396,"regime":"sticky","params":"0123456789ab"}',
  replayed: false,
}

/** Stands where the way of a record begins: keeps what it was given and answers what it was told to. */
export class FakeIngest implements Ingest {
  readonly submissions: { readonly raw: Buffer; readonly traceparent: string }[] = []
  readonly asked: string[] = []
  answer: () => Promise<Submitted> = async () => ACCEPTED

  submit(raw: Buffer, traceparent: string): Promise<Submitted> {
    this.submissions.push({ raw, traceparent })
    return this.answer()
  }

  outcome(pcsId: string): Promise<Submitted> {
    this.asked.push(pcsId)
    return this.answer()
  }
}
