import { describe, expect, it } from 'vitest'
import { simulateOutbox } from '../testing/outbox-simulation.js'

const SEEDS = process.env.FLK_LONG === '1' ? 5_000 : 40

describe('an outbox on a disk that forgets, killed and cut off at random', () => {
  it(`loses nothing and doubles nothing in ${SEEDS} seeds`, async () => {
    const total = { added: 0, lives: 0, stops: 0, compactions: 0, replays: 0, batches: 0 }
    for (let seed = 1; seed <= SEEDS; seed++) {
      const report = await simulateOutbox(seed)
      for (const key of ['added', 'lives', 'stops', 'compactions', 'replays', 'batches'] as const) {
        total[key] += report[key]
      }
    }
    // all of what it is about has happened
    for (const count of Object.values(total)) expect(count).toBeGreaterThan(SEEDS / 4)
  }, 600_000)

  it.each([
    ['sends before the flush', 'send-before-flush'],
    ['takes a record before its answer', 'acknowledge-before-answer'],
    ['does not flush at all', 'no-flush'],
    ['does not flush the names of its files', 'no-flush-of-names'],
  ] as const)(
    'is caught when it %s',
    async (_, fault) => {
      let caught = 0
      for (let seed = 1; seed <= 40 && caught === 0; seed++) {
        await simulateOutbox(seed, fault).catch(() => {
          caught += 1
        })
      }
      expect(caught).toBeGreaterThan(0)
    },
    600_000,
  )
})
