import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { recordText } from '@fractal-lba/agent/record'
import { problemReaction, ScriptedPeer, smallRecord } from '@fractal-lba/agent/testing'
import { pcsId } from '@fractal-lba/pcs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { runPcs } from '../testing/run-pcs.js'

const made = smallRecord(1)
const ofEpoch = (epoch: number): string =>
  recordText({
    ...{ ...made, epoch, pcs_id: pcsId(made.merkle_root, epoch, made.shard_id) },
    ft: { ...made.ft, outbox_seq: epoch },
  })
const records = (count: number): string =>
  Array.from({ length: count }, (_, index) => `${ofEpoch(index + 1)}\n`).join('')

let peer: ScriptedPeer
let directory = ''
beforeEach(async () => {
  peer = await new ScriptedPeer().start()
  directory = mkdtempSync(join(tmpdir(), 'pcs-submit-'))
})
afterEach(async () => {
  await peer.stop()
  rmSync(directory, { recursive: true })
})

function submit(text: string, ...more: readonly string[]) {
  const file = join(directory, 'records.ndjson')
  writeFileSync(file, text)
  return runPcs(['submit', '--in', file, '--endpoint', peer.endpoint, ...more])
}

describe('pcs submit of a file of records', () => {
  it('hands them in by batches, in order, and says what came of them', async () => {
    const run = await submit(records(1_100))
    expect(run).toEqual({ code: 0, out: '1100 accepted, 0 escalated, 0 refused (0 replayed)\n', err: '' })
    expect(peer.batches).toEqual([500, 500, 100])
    expect(peer.arrivals.map(({ outboxSeq }) => outboxSeq)).toEqual(
      Array.from({ length: 1_100 }, (_, index) => index + 1),
    )
    expect((await submit(records(3))).out).toBe('3 accepted, 0 escalated, 0 refused (3 replayed)\n')
  })

  it('tells of each line that is refused, and that it was', async () => {
    peer.script = ({ outboxSeq }) =>
      outboxSeq === 2 ? problemReaction(401, 'unauthenticated', 'No.') : 'judge'
    const run = await submit(`\r\n${records(3).replaceAll('\n', '\r\n')}`)
    expect(run).toMatchObject({ code: 1, out: '2 accepted, 0 escalated, 1 refused (0 replayed)\n' })
    expect(run.err).toBe('pcs: line 3: 401 No.\n')
  })

  it('--json prints the answer to each line', async () => {
    const { out, code } = await submit(records(2), '--json')
    expect(code).toBe(0)
    expect(
      out
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual([
      { line: 1, status: 200, replayed: false, body: expect.objectContaining({ accepted: true }) },
      { line: 2, status: 200, replayed: false, body: expect.objectContaining({ accepted: true }) },
    ])
  })

  it('sends again what found no token, when it may', async () => {
    const { status, headers, body } = problemReaction(429, 'rate-limited')
    peer.script = ({ outboxSeq, times }) =>
      outboxSeq > 2 && times === 1 ? { status, headers: { ...headers, 'retry-after': '1' }, body } : 'judge'
    const startMs = performance.now()
    expect(await submit(records(4))).toMatchObject({ code: 0, err: '' })
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(1_000)
    expect(peer.batches).toEqual([4, 2])
  })

  it('hands each in by itself where the gateway knows no batches', async () => {
    peer.takesBatches = false
    expect((await submit(records(20))).out).toBe('20 accepted, 0 escalated, 0 refused (0 replayed)\n')
    expect(peer.arrivals).toHaveLength(20)
  })

  it('ends with 3 where nobody judges them, and says from which line on', async () => {
    peer.batchScript = () => (peer.batches.length > 0 ? { status: 503 } : undefined)
    const run = await submit(records(501), '--wait-s', '0')
    expect(run).toMatchObject({ code: 3, out: '500 accepted, 0 escalated, 0 refused (0 replayed)\n' })
    expect(run.err).toBe('pcs: nobody judged line 501 and what follows it: the last answer was 503\n')
  })

  it('--lines reads standard input so', async () => {
    const args = ['submit', '--in', '-', '--lines', '--endpoint', peer.endpoint]
    expect(await runPcs(args, { stdin: records(2).trimEnd() })).toMatchObject({ code: 0 })
    expect(peer.batches).toEqual([2])
  })

  it('a line longer than any record ends it', async () => {
    const run = await submit('x'.repeat(1_100_000))
    expect(run).toMatchObject({ code: 1, err: expect.stringContaining('line 1 of ') })
  })
})
