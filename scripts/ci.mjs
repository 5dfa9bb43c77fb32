import { spawn } from 'node:child_process'
import { endWithParent } from './lib/run.mjs'
import { root } from './ready.mjs'
import { sumOf, sumText } from './test/sum.mjs'

const RUNS = [
  { args: ['test', '--silent'], isOneTest: false },
  { args: ['run', 'test:fault', '--silent', '--', '--short'], isOneTest: false },
  { args: ['run', 'load', '--silent', '--', 'smoke'], isOneTest: true },
]

endWithParent(() => undefined)
const ends = []
for (const { args, isOneTest } of RUNS) ends.push({ ...(await npm(args)), isOneTest })
const sum = sumOf(ends)
process.stdout.write(`${sumText(sum)}\n`)
process.exit(sum.failed === 0 ? 0 : 1)

/**
 * Shows what the run prints, as it prints it.
 *
 * @param {readonly string[]} args
 * @returns {Promise<import('./test/sum.mjs').RunEnd>}
 */
function npm(args) {
  return new Promise((resolve) => {
    const child = spawn('npm', args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] })
    let lastLines = ''
    child.stdout.setEncoding('utf8')
    child.stdout.on('data', (/** @type {string} */ text) => {
      process.stdout.write(text)
      lastLines = (lastLines + text).slice(-4_096)
    })
    child.on('error', (error) => {
      process.stderr.write(`npm ${args.join(' ')}: ${error.message}\n`)
      resolve({ code: 1, output: lastLines })
    })
    child.on('close', (code) => resolve({ code: code ?? 1, output: lastLines }))
  })
}
