/** Counts what has passed, failed and was skipped, and says so line by line. */
export class Report {
  #passed = 0
  #failed = 0
  /** @type {import('./summary-reporter.mjs').Skipped[]} */
  #skipped = []

  /** @param {(line: string) => void} say */
  constructor(say) {
    this.say = say
  }

  /**
   * Something that counts as one.
   * @param {string} name
   * @param {() => Promise<string | undefined>} mistake
   * @returns {Promise<boolean>} whether it passed
   */
  async check(name, mistake) {
    const bornMs = performance.now()
    const found = await mistake().catch((/** @type {unknown} */ error) => String(error))
    if (found === undefined) this.#passed += 1
    else this.#failed += 1
    this.say(`${found === undefined ? 'passed' : 'FAILED'}  ${name}  ${seconds(bornMs)}`)
    if (found !== undefined) this.say(indented(found))
    return found === undefined
  }

  /**
   * Many tests at once.
   * @param {string} name
   * @param {boolean} mustRun whether it is a failure that there are none
   * @param {() => Promise<import('./summary-reporter.mjs').Summary>} run
   */
  async tests(name, mustRun, run) {
    const bornMs = performance.now()
    const { passed, failed, skipped } = await run()
    const nothing = mustRun && passed + failed === 0
    this.#passed += passed
    this.#failed += nothing ? 1 : failed
    this.#skipped.push(...skipped)
    const verdict = failed > 0 || nothing ? 'FAILED' : 'passed'
    const counts = `${passed} passed, ${failed} failed, ${skipped.length} skipped`
    this.say(`${verdict}  ${name}  ${seconds(bornMs)}: ${nothing ? 'none of them ran' : counts}`)
  }

  /**
   * @param {string} name
   * @param {string} reason
   */
  skip(name, reason) {
    this.#skipped.push({ name, reason })
  }

  get hasFailed() {
    return this.#failed > 0
  }

  /**
   * Says what was skipped and, in the last line, the sums.
   * @returns {number} the exit code
   */
  close() {
    for (const { name, reason } of this.#skipped) this.say(`skipped  ${name}: ${reason}`)
    if (this.#passed + this.#failed === 0) this.say('nothing ran')
    this.say(`${this.#passed} passed, ${this.#failed} failed, ${this.#skipped.length} skipped`)
    return this.#failed === 0 && this.#passed > 0 ? 0 : 1
  }
}

/** @param {number} bornMs */
function seconds(bornMs) {
  return `${((performance.now() - bornMs) / 1_000).toFixed(1)} s`
}

/** @param {string} text */
function indented(text) {
  return text
    .split('\n')
    .map((line) => `        ${line}`)
    .join('\n')
}
