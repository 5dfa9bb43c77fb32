import type { AppError } from '@fractal-lba/runtime'

/** An outcome, ready to be sent. */
export interface Submitted {
  readonly status: 200 | 202
  /** Rendered JSON. */
  readonly body: string
  /** It was stored before this request came. */
  readonly replayed: boolean
}

/** The way of a record behind its admission, as HTTP needs it. */
export interface Ingest {
  /**
   * @param raw the body as it came, also an empty one: judging it is not HTTP's business
   * @param traceparent W3C trace context; '' where the request has none that is well-formed
   * @throws AppError malformed (with violations), unauthenticated, pcs_conflict or unavailable
   */
  submit(raw: Buffer, traceparent: string): Promise<Submitted>
  /**
   * @param pcsId 64 lower-case hexadecimal digits
   * @throws AppError pcs_not_found or unavailable
   */
  outcome(pcsId: string): Promise<Submitted>
}

/** The last step of admission. */
export interface Admission {
  /** Why no new submission can be taken (disk or store full, a fill under way); undefined where one can. */
  room(): AppError | undefined
}
