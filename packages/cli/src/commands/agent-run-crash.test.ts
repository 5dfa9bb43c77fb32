import { readdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { withSnapshot } from '@fractal-lba/agent/outbox'
import { type Reaction, ScriptedPeer, smallCsv, TemporaryFolders, until } from '@fractal-lba/agent/testing'
import { Chance } from '@fractal-lba/wal/testing'
import { describe, expect, it } from 'vitest'
import { AgentProcess } from '../testing/agent-process.js'

const ROUNDS = process.env.FLK_LONG === '1' ? 200 : 6
const SEED = Number(process.env.FLK_SEED ?? 20_260_701)
const FILES_PER_ROUND_MAX = 12

/** Mostly a gateway, now and then its troubles. */
function anyReaction(chance: Chance): Reaction {
  const reactions: readonly [number, Reaction][] = [
    [0.06, 'reset'],
    [0.06, 'judge-then-reset'],
    [0.02, 'hang'],
    [0.05, { status: 503, headers: { 'retry-after': '0' } }],
    [0.03, { status: 429, headers: { 'retry-after': '0' } }],
    [0.03, { status: 502, body: '<html>' }],
  ]
  let draw = chance.next()
  for (const [share, reaction] of reactions) {
    if (draw < share) return reaction
    draw -= share
  }
  return 'judge'
}

describe('pcs agent run under kill -9', () => {
  it(`loses nothing and doubles nothing in ${ROUNDS} rounds (seed ${SEED})`, async () => {
    const folders = new TemporaryFolders()
    const chance = new Chance(SEED)
    const peer = await new ScriptedPeer().start()
    const watch = folders.make()
    const outbox = folders.make()
    const args = ['--timeout-ms', '500']
    const start = () => AgentProcess.start({ watch, outbox, endpoint: peer.endpoint, args })
    let files = 0
    let killedEarly = 0
    const put = (): void => {
      files += 1
      writeFileSync(join(watch, `.${files}`), smallCsv(files))
      renameSync(join(watch, `.${files}`), join(watch, `shard.${files}.csv`))
    }
    /** What this is about: files that were not shipped yet when it was killed, and records that were sent again. */
    const hasHappened = (): boolean => {
      const arrived = new Set(peer.arrivals.map(({ pcsId }) => pcsId)).size
      return killedEarly > 0 && peer.arrivals.length > arrived
    }
    /** In the start, or while files come, or just when some records are on their way. */
    const momentToKill = async (running: AgentProcess, more: () => void): Promise<void> => {
      if (chance.happens(0.15)) return sleep(chance.below(400))
      const arrivals = peer.arrivals.length + 1 + chance.below(FILES_PER_ROUND_MAX)
      await running.whenAtWork()
      const end = performance.now() + 500 + chance.below(1_000)
      while (peer.arrivals.length < arrivals && performance.now() < end) {
        if (chance.happens(0.2)) more()
        await sleep(5)
      }
      await sleep(chance.below(12))
    }
    let agent: AgentProcess | undefined
    try {
      peer.script = () => anyReaction(chance)
      for (let round = 0; round < ROUNDS || (round < 3 * ROUNDS && !hasHappened()); round++) {
        for (let count = chance.below(FILES_PER_ROUND_MAX); count > 0; count--) put()
        agent = await start()
        await momentToKill(agent, put)
        if (readdirSync(watch).some((name) => name.endsWith('.csv'))) killedEarly += 1
        expect(agent.isRunning, agent.err).toBe(true)
        await agent.end('SIGKILL')
      }
      peer.script = () => 'judge'
      agent = await start()
      const last = agent
      await until('all files are shipped', () => readdirSync(join(watch, 'done')).length === files)
      await until('nothing is pending', async () => (await last.metric('agent_outbox_pending')) === 0)
      expect(await agent.end('SIGTERM')).toBe(0)

      // the peer has all of it, and told each verdict for the first time at most once
      expect(peer.stored.size).toBe(files)
      expect([...peer.firstVerdicts.values()].every((times) => times === 1)).toBe(true)
      for (const id of peer.stored.keys()) {
        expect(new Set(peer.arrivalsOf(id).map(({ text }) => text)).size).toBe(1)
      }
      // and so have the agent's own outbox
      await withSnapshot(outbox, async (log) => {
        expect(log.index.counts).toEqual({ pending: 0, acknowledged: files, dead: 0, conflict: 0 })
        expect(log.index.contradictions).toBe(0)
        const settled: number[] = []
        for await (const { head } of log.read()) if (head.kind === 'acknowledged') settled.push(head.seq)
        expect(settled.length).toBe(files)
        expect(new Set(settled).size).toBe(files)
        expect([...log.index.entries()].map(({ pcsId }) => pcsId).sort()).toEqual(
          [...peer.stored.keys()].sort(),
        )
      })
      expect(readdirSync(watch).sort()).toEqual(['done', 'failed'])
      expect(readdirSync(join(watch, 'failed'))).toEqual([])
      expect(hasHappened()).toBe(true)
    } finally {
      if (agent?.isRunning) await agent.end('SIGKILL')
      await peer.stop()
      folders.remove()
    }
  }, 1_200_000)
})
