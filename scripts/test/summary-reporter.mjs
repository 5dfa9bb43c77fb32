import { writeFileSync } from 'node:fs'

/**
 * What a run of vitest came to.
 * @typedef {object} Summary
 * @property {number} passed
 * @property {number} failed tests, and files or suites that could not run, and errors outside of tests
 * @property {readonly Skipped[]} skipped
 *
 * @typedef {object} Skipped
 * @property {string} name the file and the test
 * @property {string} reason
 */

/** A reporter for vitest that writes a Summary as JSON to TEST_SUMMARY_FILE. */
export default class SummaryReporter {
  /**
   * @param {readonly import('vitest/node').TestModule[]} modules
   * @param {readonly unknown[]} unhandledErrors
   */
  onTestRunEnd(modules, unhandledErrors) {
    const file = process.env.TEST_SUMMARY_FILE
    if (file === undefined) throw new Error('TEST_SUMMARY_FILE must say where the summary goes')
    writeFileSync(file, JSON.stringify(summaryOf(modules, unhandledErrors)))
  }
}

/**
 * @param {readonly import('vitest/node').TestModule[]} modules
 * @param {readonly unknown[]} unhandledErrors
 * @returns {Summary}
 */
function summaryOf(modules, unhandledErrors) {
  let passed = 0
  let failed = unhandledErrors.length
  /** @type {Skipped[]} */
  const skipped = []
  for (const module of modules) {
    failed += module.errors().length
    for (const suite of module.children.allSuites()) failed += suite.errors().length
    for (const test of module.children.allTests()) {
      const result = test.result()
      if (result.state === 'passed') passed += 1
      else if (result.state === 'skipped') {
        const name = `${module.relativeModuleId} > ${test.fullName}`
        skipped.push({ name, reason: result.note ?? 'no reason given' })
      } else failed += 1
    }
  }
  return { passed, failed, skipped }
}
