import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { withSnapshot } from '@fractal-lba/agent/outbox'
import { problemReaction, ScriptedPeer, smallCsv, TemporaryFolders, until } from '@fractal-lba/agent/testing'
import { hmacKey, parseRecord, verifySignature } from '@fractal-lba/pcs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AgentProcess, type AgentProcessOptions } from '../testing/agent-process.js'

const folders = new TemporaryFolders()
let peer: ScriptedPeer
let watch: string
let outbox: string
let agents: AgentProcess[]

beforeEach(async () => {
  peer = await new ScriptedPeer().start()
  watch = folders.make()
  outbox = join(folders.make(), 'outbox')
  agents = []
})
afterEach(async () => {
  for (const agent of agents) if (agent.isRunning) await agent.end('SIGKILL')
  await peer.stop()
  folders.remove()
})

async function start(options: Partial<AgentProcessOptions> = {}): Promise<AgentProcess> {
  const agent = await AgentProcess.start({ watch, outbox, endpoint: peer.endpoint, ...options })
  agents.push(agent)
  return agent
}

/** As a careful writer does: under another name first. */
function put(name: string, content: string): void {
  writeFileSync(join(watch, `.${name}`), content)
  renameSync(join(watch, `.${name}`), join(watch, name))
}

const readyState = async (agent: AgentProcess): Promise<unknown> => {
  const page = await agent.page('/ready')
  return page && { status: page.status, ...JSON.parse(page.text) }
}

describe('pcs agent run', () => {
  it('ships each CSV, signed, and ends on SIGTERM', async () => {
    put('shard-a.1.csv', smallCsv(1))
    const agent = await start({ args: ['--seed', '7'] })
    await until('the first is acknowledged', () => peer.firstVerdicts.size === 1)
    put('shard-b.2.csv', smallCsv(2))
    put('bad.csv', 'no events\n')
    await until(
      'all are moved',
      () => readdirSync(join(watch, 'done')).length === 2 && readdirSync(join(watch, 'failed')).length === 2,
    )
    await until('the second is acknowledged', async () => (await agent.metric('agent_outbox_pending')) === 0)
    const [first, second] = peer.arrivals.map(({ text }) => parseRecord(Buffer.from(text)))
    expect(first).toMatchObject({ shard_id: 'shard-a', epoch: 1, seed: 7, ft: { outbox_seq: 1 } })
    expect(second).toMatchObject({ shard_id: 'shard-b', epoch: 2, ft: { outbox_seq: 2 } })
    for (const record of [first, second]) {
      expect(
        record && verifySignature(record, { algorithm: 'hmac', keys: [hmacKey('testsecret')] }),
      ).toBeDefined()
    }
    expect(await agent.metric('agent_submissions_total{result="acknowledged"}')).toBe(2)
    expect(await agent.metric('agent_files_total{result="shipped"}')).toBe(2)
    expect(await agent.metric('agent_files_total{result="failed"}')).toBe(1)
    expect(await agent.metric('agent_oldest_pending_seconds')).toBe(0)
    expect(await agent.page('/health')).toEqual({ status: 200, text: 'OK' })
    expect(await readyState(agent)).toMatchObject({ status: 'ready' })
    expect(await agent.end('SIGTERM')).toBe(0)
    expect(agent.err).toBe('')
    // no record, no key, no signature in what it writes
    expect(agent.out).not.toMatch(/merkle_root|testsecret|"sig"/)
    for (const line of agent.out.trimEnd().split('\n')) expect(JSON.parse(line)).toHaveProperty('level')
  })

  it('waits for a gateway that is away, says so, and goes on', async () => {
    const { port } = peer
    await peer.stop()
    put('a.1.csv', smallCsv(1))
    const agent = await start()
    await until('it is in the outbox', () => existsSync(join(watch, 'done', 'a.1.csv')))
    await until('it says that the gateway is away', async () => {
      const state = await readyState(agent)
      return JSON.stringify(state)?.includes('"status":"degraded"') ?? false
    })
    expect(await agent.metric('agent_outbox_pending')).toBe(1)
    expect(await agent.metric('agent_oldest_pending_seconds')).toBeGreaterThan(0)
    await peer.start(port)
    await until('it is acknowledged', () => peer.firstVerdicts.size === 1)
    expect(await agent.metric('agent_submissions_total{result="retry"}')).toBeGreaterThan(0)
  })

  it('stops while requests hang, and sends them again at its next start', async () => {
    peer.script = () => 'hang'
    put('a.1.csv', smallCsv(1))
    const agent = await start({ env: { STOP_GRACE: '100ms' } })
    await until('it is sent', () => peer.arrivals.length === 1)
    expect(await agent.end('SIGTERM')).toBe(0)
    peer.script = () => 'judge'
    await start()
    await until('it is acknowledged', () => peer.firstVerdicts.size === 1)
    expect(new Set(peer.arrivals.map(({ text }) => text)).size).toBe(1)
  })

  it('answers probes while it builds the record of a large file', async () => {
    const agent = await start()
    await until('it listens', async () => (await agent.page('/health')) !== undefined)
    const rows = Array.from(
      { length: 60_000 },
      (_, row) => `${row},${Math.sin(row)},${Math.cos(row)},0.${row}`,
    )
    put('large.1.csv', `timestamp,x,y,z\n${rows.join('\n')}\n`)
    let probes = 0
    while (!existsSync(join(watch, 'done', 'large.1.csv'))) {
      expect((await agent.page('/health'))?.status).toBe(200)
      probes += 1
    }
    // with the work in the thread that answers there is one for each of its steps, a handful
    expect(probes).toBeGreaterThan(20)
  })

  it('keeps a 409 and a 400 where a person finds them', async () => {
    peer.script = ({ outboxSeq }) =>
      outboxSeq === 1 ? problemReaction(400, 'malformed', 'Invalid') : problemReaction(409, 'pcs-conflict')
    put('a.1.csv', smallCsv(1))
    await start()
    const lines = (name: string) =>
      existsSync(join(outbox, name)) ? readFileSync(join(outbox, name), 'utf8').trimEnd().split('\n') : []
    await until('the first is refused', () => lines('dead-letters.jsonl').length === 1)
    put('a.2.csv', smallCsv(2))
    await until('the second is in conflict', () => lines('conflicts.jsonl').length === 1)
    expect(JSON.parse(lines('dead-letters.jsonl')[0] ?? '')).toMatchObject({
      outbox_seq: 1,
      status: 400,
      problem: { title: 'Invalid' },
    })
    await until('both are in the log', () =>
      withSnapshot(outbox, async ({ index }) => index.counts.dead === 1 && index.counts.conflict === 1),
    )
  })

  it('ends with a sentence when its outbox is removed', async () => {
    const agent = await start()
    await agent.whenAtWork()
    renameSync(outbox, `${outbox}.away`)
    const ended = await Promise.race([
      agent.whenEnded(),
      new Promise((resolve) => setTimeout(resolve, 10_000, 'still at work')),
    ])
    expect(ended).toBe(1)
    expect(agent.out).toContain('was removed, replaced or unmounted')
  })

  it.each<[string, Partial<AgentProcessOptions>, number, string]>([
    ['no key', { env: { PCS_SIGN_ALG: '' } }, 2, 'no key to sign with'],
    ['a directory that is not there', { watch: '/nowhere' }, 2, '--watch /nowhere is no directory'],
    ['an endpoint that is none', { endpoint: 'gateway' }, 2, 'must be an address'],
    ['a limit that is none', { env: { OUTBOX_BYTES_MAX: 'many' } }, 78, 'OUTBOX_BYTES_MAX is not a size'],
    [
      'a metrics address that is none',
      { env: { METRICS_ADDR: 'here' } },
      78,
      'METRICS_ADDR is not host:port',
    ],
    [
      'several mistakes, all of them named',
      { env: { PCS_HMAC_KEY: '', PCS_ALPHA: 'much', METRICS_ADDR: 'here' } },
      2,
      'PCS_HMAC_KEY must be set: PCS_SIGN_ALG is hmac\nPCS_ALPHA is not a number from -1000 to 1000\nMETRICS_ADDR is not host:port',
    ],
    ['an option that there is not', { args: ['--wacth'] }, 2, 'unknown option --wacth'],
  ])('does not start with %s', async (_, options, code, sentence) => {
    const agent = await start(options)
    expect(await agent.whenEnded()).toBe(code)
    expect(agent.err).toContain(sentence)
    expect(agent.err).not.toContain('    at ')
  })

  it('does not start over the outbox of another one', async () => {
    mkdirSync(outbox)
    const first = await start()
    await first.whenAtWork()
    const second = await start()
    expect(await second.whenEnded()).toBe(69)
    expect(second.err).toContain('Another process has')
    expect(first.isRunning).toBe(true)
  })
})
