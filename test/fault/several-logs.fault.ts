import { setTimeout as sleep } from 'node:timers/promises'
import { redisMissing, startRedis } from '@fractal-lba/test-servers'
import { describe, expect, it, onTestFinished } from 'vitest'
import { isLong } from '../src/long.js'
import { roundsOf } from './src/rounds.js'
import { AGENTS_IN_ALL, SeveralLogs } from './src/several-logs.js'

const missing = await redisMissing()
if (missing !== undefined) it.skip(`several logs (${missing})`)

const LOGS = [1, 2, 3]
const ABSENT_MS = isLong ? 60_000 : 2_200

async function start(waived: readonly number[] = []): Promise<SeveralLogs> {
  const redis = await startRedis()
  onTestFinished(() => redis.close())
  const system = await SeveralLogs.start(redis, LOGS, waived)
  onTestFinished(() => system.close())
  return system
}

describe.skipIf(missing)('two gateways and two dedups on one Redis, over three logs', () => {
  const rounds = roundsOf({ short: 1, long: 10 })

  it('lose and change nothing while logs are killed, drained, retired and added and the store is lost, and refuse only what was under way in a log that was killed, and all while the index is filled', async () => {
    const system = await start()
    await system.more(50)
    await system.judgeOtherwise()
    for (let round = 0; round < rounds; round += 1) {
      for (const log of system.fleet.logs) {
        const { count } = system.outages
        await system.kill(log)
        await sleep(ABSENT_MS)
        await system.more(20) // by the others: the store is intact, and needs no fill
        await system.start(log)
        await system.more(20)
        expect(system.outages.count - count).toBeLessThanOrEqual(AGENTS_IN_ALL)
      }
      const [oldest = 0, absent = 0, youngest = 0] = system.fleet.logs
      await system.kill(absent)
      const filled = await system.loseStore()
      await system.untilRefused(`the log at ${system.fleet.addressOf('wal', absent)}`)
      await sleep(isLong ? ABSENT_MS : 0)
      await system.start(absent)
      filled()
      await system.more(20)

      await system.add(youngest + 1)
      await system.retire(oldest, absent)
      await system.startAgain()
      await system.end(oldest)
      await system.more(20)
      const filledAgain = await system.loseStore()
      await system.more(20)
      await system.untilReady()
      filledAgain()
    }
    expect(await system.findings()).toEqual([])
    expect(system.outages.strays).toEqual([])
  })

  it('are found out by these tests where a fill goes without a log that is absent', async () => {
    const system = await start(LOGS)
    await system.more(50)
    await system.judgeOtherwise()
    await system.kill(1)
    const filled = await system.loseStore()
    await system.more(60)
    await system.start(1)
    filled()
    expect((await system.findings()).join('\n')).toMatch(/ became /)
  })
})
