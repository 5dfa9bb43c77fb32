import type { Sample } from './sampler.js'

/** Between two lines where nobody looks at a terminal. */
const LINE_EVERY_SECONDS = 15

/** Says how a run goes: a line that is written anew on a terminal, now and then a line elsewhere. */
export class Progress {
  readonly #run: string
  readonly #say: (line: string) => void
  readonly #isTerminal = process.stderr.isTTY === true
  #nextLineSecond = 0

  constructor(run: string, say: (line: string) => void) {
    this.#run = run
    this.#say = say
  }

  show(sample: Sample): void {
    const line = `${this.#run}  ${progressText(sample)}`
    if (this.#isTerminal) {
      process.stderr.write(`\r${line}\u001b[K`)
    } else if (sample.second >= this.#nextLineSecond) {
      this.#nextLineSecond = sample.second + LINE_EVERY_SECONDS
      this.#say(line)
    }
  }

  end(): void {
    if (this.#isTerminal) process.stderr.write('\n')
  }
}

export function progressText({ second, perSecond, p95Ms, answers, cpu }: Sample): string {
  const whole = Math.round(second)
  const clock = `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`
  const cores = Object.values(cpu).reduce((sum, used) => sum + used, 0)
  const bad = Object.entries(answers).filter(([status]) => Number(status) >= 429)
  const refused = bad.map(([status, rate]) => `, ${rate.toFixed(0)}/s answered ${status}`).join('')
  const p95 = p95Ms === null ? '' : `, p95 ${p95Ms.toFixed(0)} ms`
  return `${clock}  ${perSecond.toFixed(0)}/s${p95}, ${cores.toFixed(1)} cores${refused}`
}
