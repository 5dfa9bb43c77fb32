import { spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'

/** Builds the record of so many rows, and prints what it took of memory in MiB. */
const PROGRAM = `
import { buildRecord } from ${JSON.stringify(new URL('../../dist/record/index.js', import.meta.url).href)}
const rows = Number(process.argv[1])
const csv = Buffer.alloc(rows * 48)
let length = csv.write('timestamp,x,y,z\\n')
for (let row = 0; row < rows; row++) {
  const place = [1, 1.7, 0.3].map((step) => (Math.sin(row * step) * 100).toFixed(6))
  length += csv.write(\`\${1700000000 + row * 0.01},\${place.join(',')}\\n\`, length)
}
buildRecord({ csv: csv.subarray(0, length), shardId: 'a', epoch: 1, seed: 1, scales: [2, 4096] })
console.log(Math.round(process.resourceUsage().maxRSS / 1024))
`

describe('a build', () => {
  it('keeps no value for each row on the heap', () => {
    const args = ['--max-old-space-size=24', '--input-type=module', '--eval', PROGRAM, '150000']
    const run = spawnSync(process.execPath, args, { encoding: 'utf8' })
    expect(run.stderr).toBe('')
    expect(run.status).toBe(0)
    // 45 of them are the process and 7 the file
    expect(Number(run.stdout)).toBeLessThan(160)
  }, 60_000)
})
