import type { ServerResponse } from 'node:http'
import { monotonicMs } from '@fractal-lba/runtime'

/** An answer that comes in parts, no faster than its client takes them. Its head has been written. */
export class StreamedAnswer {
  readonly #response: ServerResponse
  readonly #untilMs: number
  readonly #onEnd: () => void

  /**
   * @param untilMs monotonic: by then the client has taken all of it, or is cut off
   * @param onEnd called once, also where the client has gone
   */
  constructor(response: ServerResponse, untilMs: number, onEnd: () => void) {
    this.#response = response
    this.#untilMs = untilMs
    this.#onEnd = onEnd
  }

  /** Nobody is there to be told more. */
  get isGone(): boolean {
    return this.#response.destroyed
  }

  /** Resolves when there is room for more, or nobody is there any more. */
  async write(text: string): Promise<void> {
    if (this.isGone || this.#response.write(text)) return
    await this.#drained()
  }

  end(): void {
    this.#onEnd()
    this.#response.end()
  }

  #drained(): Promise<void> {
    const response = this.#response
    return new Promise((resolve) => {
      const cut = setTimeout(() => response.destroy(), Math.max(0, this.#untilMs - monotonicMs()))
      const done = (): void => {
        clearTimeout(cut)
        response.off('drain', done)
        response.off('close', done)
        resolve()
      }
      response.on('drain', done)
      response.on('close', done)
    })
  }
}
