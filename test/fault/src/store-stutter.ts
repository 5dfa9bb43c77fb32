import { setTimeout as sleep } from 'node:timers/promises'
import type { ServerControls } from '@fractal-lba/test-servers'

const STILL_MS = 400
const RUNS_MS = 20

/** A server that stands still most of the time: whatever it is asked takes long. */
export class Stutter {
  readonly #server: () => ServerControls
  #ending = false
  #running: Promise<void> | undefined

  constructor(server: () => ServerControls) {
    this.#server = server
  }

  async begin(): Promise<void> {
    this.#ending = false
    this.#running = this.#run()
  }

  async end(): Promise<void> {
    this.#ending = true
    await this.#running
  }

  async #run(): Promise<void> {
    while (!this.#ending) {
      await this.#server().pause()
      await sleep(STILL_MS)
      await this.#server().resume()
      await sleep(RUNS_MS)
    }
  }
}
