import { AppError } from '@fractal-lba/runtime'

/**
 * The store is not, or no more, what this process has filled or adopted: it is being filled by another one, was
 * emptied or has come back from an older state. Nothing that was asked counts.
 */
export class NotHeld extends AppError {
  constructor(why: string) {
    super('unavailable', why)
  }
}
