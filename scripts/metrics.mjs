import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { definedMetrics } from './metrics/defined.mjs'
import { metricsPage } from './metrics/page.mjs'

// Prints docs/metrics.md as the built code has it; with --write it is put in its place.
const root = fileURLToPath(new URL('..', import.meta.url))
const page = metricsPage(await definedMetrics(root))
if (process.argv.includes('--write')) writeFileSync(new URL('../docs/metrics.md', import.meta.url), page)
else process.stdout.write(page)
process.exit()
