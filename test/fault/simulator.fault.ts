import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { repositoryRoot } from '../src/branch.js'
import { isLong } from '../src/long.js'

/** Beyond those of the unit tests, which begin with 0. */
const FIRST_SEED = 1_000
const SEEDS = isLong ? 100_000 : 400

interface Report {
  readonly seeds: number
  readonly failures: readonly unknown[]
  readonly totals: Readonly<Record<'crashes' | 'damage' | 'outbox', Readonly<Record<string, number>>>>
}

/** Runs npm run simulate as it stands. */
function simulate(): Promise<{ code: number | null; out: string; err: string }> {
  return new Promise((resolve, reject) => {
    const args = ['--seeds', String(SEEDS), '--from', String(FIRST_SEED), '--json']
    const child = spawn(process.execPath, [join(repositoryRoot, 'scripts/simulate.mjs'), ...args])
    onTestFinished(() => void child.kill('SIGKILL'))
    let [out, err] = ['', '']
    child.stdout.on('data', (part: Buffer) => {
      out += part.toString()
    })
    child.stderr.on('data', (part: Buffer) => {
      err += part.toString()
    })
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, out, err }))
  })
}

describe('logs and outboxes on a simulated disk', () => {
  it(`keep their promises in ${SEEDS} histories of crashes, of damage and of an outbox`, async () => {
    const { code, out, err } = await simulate()
    expect(code, err).toBe(0)
    const { seeds, failures, totals }: Report = JSON.parse(out)
    expect([seeds, failures]).toEqual([SEEDS, []])
    const { crashes, damage, outbox } = totals
    // What was to be survived did happen.
    for (const happened of [crashes.tornTails, crashes.failures, crashes.refusals, crashes.dropped]) {
      expect(happened).toBeGreaterThan(SEEDS / 100)
    }
    expect(damage.quarantined).toBeGreaterThan(SEEDS / 2)
    for (const happened of [outbox.stops, outbox.compactions, outbox.replays]) {
      expect(happened).toBeGreaterThan(SEEDS / 4)
    }
    if (isLong) process.stdout.write(`simulator: ${JSON.stringify(totals)}\n`)
  })
})
