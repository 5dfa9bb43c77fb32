/** A bar that a terminal shows while something long runs; drawn at most ten times a second. */
export class Progress {
  readonly #write: ((text: string) => void) | undefined
  readonly #label: string
  #total = 0
  #done = 0
  #drawnMs = Number.NEGATIVE_INFINITY

  /** @param write to the terminal; `undefined` where there is none, and nothing is drawn */
  constructor(label: string, write: ((text: string) => void) | undefined) {
    this.#label = label
    this.#write = write
  }

  begin(total: number): void {
    this.#total = total
    this.#done = 0
  }

  readonly add = (amount: number): void => {
    this.#done += amount
    const nowMs = performance.now()
    if (this.#write === undefined || this.#total === 0 || nowMs - this.#drawnMs < 100) return
    this.#drawnMs = nowMs
    this.#write(`\r${barText(this.#label, this.#done / this.#total)}`)
  }

  /** Removes the bar, and draws none until the next `begin`: what is printed then begins on a clean line. */
  end(): void {
    this.#total = 0
    if (this.#drawnMs > 0) this.#write?.('\r\u001b[K')
    this.#drawnMs = Number.NEGATIVE_INFINITY
  }
}

const WIDTH = 30

export function barText(label: string, share: number): string {
  const part = Math.min(1, Math.max(0, share))
  const filled = Math.floor(part * WIDTH)
  const percent = String(Math.floor(part * 100)).padStart(3)
  return `${label} [${'#'.repeat(filled)}${'.'.repeat(WIDTH - filled)}] ${percent} %`
}
