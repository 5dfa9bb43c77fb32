// npm run fuzz: inputs by chance, from seeds that repeat.
import { readFileSync } from 'node:fs'
import { FUZZ_HELP, SOCKET_TARGETS, wantedOf } from './fuzz/arguments.mjs'
import { endWithParent } from './lib/run.mjs'
import { runSeeds } from './lib/seed-pool.mjs'
import { NotReady, ready } from './ready.mjs'

const LINE_EVERY_MS = 10_000
const RANGE_SEEDS = 500
const EXIT_USAGE = 2

const wanted = wantedOf(process.argv.slice(2))
if (typeof wanted === 'string') {
  const isHelp = wanted === FUZZ_HELP
  process[isHelp ? 'stdout' : 'stderr'].write(`${wanted.trimEnd()}\n`)
  process.exit(isHelp ? 0 : EXIT_USAGE)
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
const { allTargets, failureText, fuzzOverSockets } = await import('@fractal-lba/test/fuzz')
const { target: name, from, bodies, seconds, workers, input } = wanted
const target = allTargets.find((candidate) => candidate.name === name)
if (!target) throw new Error(`there is no target ${name}`)

if (input !== undefined) {
  const bytes = readFileSync(input)
  const came =
    'feed' in target
      ? await target.feed(bytes)
      : (await fuzzOverSockets({ name, inputs: [bytes] })).totals[name]
  say(`${name}: ${JSON.stringify(came)}`)
  process.exit(0)
}

const startedMs = performance.now()
let saidMs = startedMs
const forMs = seconds === undefined ? undefined : seconds * 1_000
const onProgress = (/** @type {number} */ done, /** @type {number} */ failed) => {
  const nowMs = performance.now()
  if (nowMs - saidMs < LINE_EVERY_MS) return
  saidMs = nowMs
  const perSecond = Math.round((done / (nowMs - startedMs)) * 1_000)
  say(`${done} inputs, ${failed} failed, ${perSecond} a second, ${Math.round((nowMs - startedMs) / 1_000)} s`)
}
say(`${name} from seed ${from}`)
const result = SOCKET_TARGETS.includes(name)
  ? await fuzzOverSockets({ name, from, bodies, forMs, onProgress })
  : await runSeeds({
      ...{ module: new URL('./fuzz/targets.mjs', import.meta.url).href, kinds: [name], workers, onProgress },
      ...{ from, seeds: Math.min(bodies, 2 ** 32 - from), rangeSeeds: RANGE_SEEDS },
      ...(forMs === undefined ? {} : { forMs }),
    })

for (const { seed, message } of result.failures) say(failureText(target, seed, message))
const tookSeconds = (performance.now() - startedMs) / 1_000
for (const [what, count] of Object.entries(result.totals[name] ?? {}).sort()) {
  process.stdout.write(`${what}: ${count}\n`)
}
process.stdout.write(
  `${name}: ${result.seeds} inputs from seed ${from}, ${result.failures.length} failed, ${tookSeconds.toFixed(1)} s\n`,
)
process.exit(result.failures.length === 0 ? 0 : 1)
