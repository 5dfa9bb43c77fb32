import { AppError } from '@fractal-lba/runtime'
import type { RateLimit } from './rate-limit.js'

export interface AdmissionOptions {
  readonly recordBytesMax: number
  readonly rateLimit: RateLimit
  /** Why no log can take a submission now; undefined where one can. */
  readonly room: () => AppError | undefined
}

/** Step 1 of the contract's section 4, for both fronts. What is refused here leaves no trace. */
export class Admission {
  readonly #options: AdmissionOptions

  constructor(options: AdmissionOptions) {
    this.#options = options
  }

  /** In this order: size, rate, room. @returns why the submission is not let in; undefined where it is. */
  admit(recordBytes: number): AppError | undefined {
    const { recordBytesMax, rateLimit, room } = this.#options
    if (recordBytes > recordBytesMax) {
      return new AppError('too_large', `a record has at most ${recordBytesMax} bytes`)
    }
    return rateLimit.take(1) ?? room()
  }
}
