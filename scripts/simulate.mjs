import { endWithParent } from './lib/run.mjs'
import { runSeeds } from './lib/seed-pool.mjs'
import { NotReady, ready } from './ready.mjs'
import { wantedOf } from './simulate/arguments.mjs'

const wanted = wantedOf(process.argv.slice(2))
if (typeof wanted === 'string') {
  const isHelp = process.argv.includes('--help')
  process[isHelp ? 'stdout' : 'stderr'].write(`${wanted.trimEnd()}\n`)
  process.exit(isHelp ? 0 : 2)
}
const say = (/** @type {string} */ line) => process.stderr.write(`${line}\n`)
endWithParent()
try {
  await ready(say)
} catch (error) {
  if (!(error instanceof NotReady)) throw error
  say(`It cannot start: ${error.message}`)
  process.exit(1)
}

const { from, seeds, kinds, workers, json } = wanted
const LINE_EVERY_MS = 10_000
const startedMs = performance.now()
let drawnMs = startedMs

/** @param {number} done */
function progress(done, /** @type {number} */ failed) {
  const nowMs = performance.now()
  if (nowMs - drawnMs < (process.stderr.isTTY ? 100 : LINE_EVERY_MS)) return
  drawnMs = nowMs
  const left = ((nowMs - startedMs) / 1000 / Math.max(1, done)) * (seeds - done)
  const line = `${done} of ${seeds} seeds, ${failed} failed, about ${Math.ceil(left)} s left`
  process.stderr.write(process.stderr.isTTY ? `\r\u001b[K${line}` : `${line}\n`)
}

const module = new URL('./simulate/simulations.mjs', import.meta.url).href
const result = await runSeeds({ module, kinds, from, seeds, workers, onProgress: progress })
const seconds = (performance.now() - startedMs) / 1000
if (process.stderr.isTTY) process.stderr.write('\r\u001b[K')

for (const { seed, kind, message } of result.failures) {
  say(`${message}\n  again: npm run simulate -- --seed ${seed} --only ${kind}`)
}
if (json) {
  const { failures, totals } = result
  const report = { from, seeds: result.seeds, kinds, workers, seconds, failures, totals }
  process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`)
} else {
  for (const [kind, totals] of Object.entries(result.totals)) {
    const text = Object.entries(totals).map(([name, count]) => `${name} ${count}`)
    process.stdout.write(`${kind}: ${text.join(', ')}\n`)
  }
  const perSeed = ((1000 * seconds) / Math.max(1, result.seeds)).toFixed(1)
  process.stdout.write(
    `${result.seeds} seeds from ${from}, ${result.failures.length} failures, ${seconds.toFixed(1)} s (${perSeed} ms a seed)\n`,
  )
}
process.exit(result.failures.length === 0 ? 0 : 1)
