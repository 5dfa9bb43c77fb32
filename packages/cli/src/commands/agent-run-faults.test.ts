import { spawnSync } from 'node:child_process'
import { readdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { withSnapshot } from '@fractal-lba/agent/outbox'
import { ScriptedPeer, smallCsv, TemporaryFolders, until } from '@fractal-lba/agent/testing'
import { describe, expect, it } from 'vitest'
import { AgentProcess } from '../testing/agent-process.js'

/** The calls are counted from the start: 1 to 3 open the outbox, then come records and their answers. */
const CALLS = process.env.FLK_LONG === '1' ? Array.from({ length: 24 }, (_, call) => call + 1) : [2, 5, 9, 13]
/** So many records alone make as many calls, whatever answers come together. */
const FILES = Math.max(...CALLS)

const inject = (what: string): string[] => [
  'strace',
  '-f',
  '-qq',
  '-o',
  '/dev/null',
  '-e',
  'trace=fdatasync',
  '-e',
  `inject=fdatasync:${what}`,
]

/** A machine may lack strace, or forbid what it does. */
const canInject =
  spawnSync(inject('error=EIO:when=999')[0] ?? '', [...inject('error=EIO:when=999').slice(1), 'true'])
    .status === 0

describe.skipIf(!canInject)('pcs agent run with strace at its flushes', () => {
  it.each(CALLS.flatMap((call) => [['error=EIO', call] as const, ['signal=KILL', call] as const]))(
    '%s at flush %i ends it, and its next start loses nothing',
    async (fault, call) => {
      const folders = new TemporaryFolders()
      const peer = await new ScriptedPeer().start()
      const [watch, outbox] = [folders.make(), folders.make()]
      let agent: AgentProcess | undefined
      try {
        for (let file = 1; file <= FILES; file++) {
          writeFileSync(join(watch, `.${file}`), smallCsv(file))
          renameSync(join(watch, `.${file}`), join(watch, `shard.${file}.csv`))
        }
        const options = { watch, outbox, endpoint: peer.endpoint }
        agent = await AgentProcess.start({
          ...options,
          // counted per thread: so there is one that flushes
          env: { UV_THREADPOOL_SIZE: '1' },
          under: inject(`${fault}:when=${call}`),
        })
        const code = await agent.whenEnded()
        expect(code).not.toBe(0)
        // what it had told anybody is on the disk
        const before = new Set(peer.stored.keys())
        if (before.size > 0) {
          await withSnapshot(outbox, async ({ index }) => {
            for (const id of before) expect(index.byId(id)).toBeDefined()
          })
        }
        agent = await AgentProcess.start(options)
        const second = agent
        await until('all files are shipped', () => readdirSync(join(watch, 'done')).length === FILES)
        await until('nothing is pending', async () => (await second.metric('agent_outbox_pending')) === 0)
        expect(peer.stored.size).toBe(FILES)
        await withSnapshot(outbox, async ({ index }) => {
          expect(index.counts).toEqual({ pending: 0, acknowledged: FILES, dead: 0, conflict: 0 })
          expect(index.contradictions).toBe(0)
        })
        expect(await agent.end('SIGTERM')).toBe(0)
      } finally {
        if (agent?.isRunning) await agent.end('SIGKILL')
        await peer.stop()
        folders.remove()
      }
    },
    60_000,
  )
})
