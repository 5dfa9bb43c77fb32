import { AppError } from '@fractal-lba/runtime'

/**
 * The store is not filled under the generation that this process uses: another process is filling it, or it was
 * emptied, restarted or restored from an older copy. The result of the operation must not be used.
 */
export class GenerationLost extends AppError {
  constructor(why: string) {
    super('unavailable', why)
  }
}
