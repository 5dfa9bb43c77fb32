import { smallRecordBytes, TemporaryFolders } from '@fractal-lba/agent/testing'
import {
  fenceRecord,
  flipBit,
  markRecord,
  openWal,
  submission,
  verdictOf,
  writeSubmissions,
} from '@fractal-lba/log-tools/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { runPcs } from '../testing/run-pcs.js'

const folders = new TemporaryFolders()
afterEach(folders.remove)

async function exported(directory: string, ...more: string[]) {
  const { code, out, err } = await runPcs(['wal', 'export', '--dir', directory, ...more])
  const records: (Record<string, unknown> & { sequence: number })[] = out
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
  return { code, err, records, sequences: records.map(({ sequence }) => sequence) }
}

describe('pcs wal export', () => {
  it('prints bodies as text or base64, and marks and fences decoded', async () => {
    const directory = folders.make()
    const log = await openWal(directory)
    const text = smallRecordBytes(1)
    const bytes = Buffer.from([0xff, 0x00, 0x80])
    const verdict = verdictOf('a'.repeat(64), { origin: { logId: log.logId, sequence: 2 } })
    await log.append([
      fenceRecord('g1'),
      submission(text),
      submission(bytes, 2),
      markRecord({ sequence: 2, status: 202, verdict, indexed: true, generation: 'g1' }),
      markRecord({ sequence: 3, status: 400, replayed: true }),
      { type: 2, encoding: 2, body: Buffer.from([0xff]) },
    ])
    const { chain } = log.head()
    await log.close()
    const { code, err, records } = await exported(directory)
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(records).toMatchObject([
      { sequence: 1, type: 'fence', generation: 'g1' },
      { sequence: 2, type: 'submission', encoding: 'json', body: text.toString(), body_bytes: text.length },
      { sequence: 3, type: 'submission', encoding: 'protobuf', body_base64: bytes.toString('base64') },
      {
        type: 'mark',
        mark: {
          sequence: 2,
          status: 202,
          indexed: true,
          generation: 'g1',
          replayed: false,
          verdict: {
            outcome: { pcs_id: 'a'.repeat(64), accepted: true, recomputed_budget: 0, regime: null },
            fingerprint: `01${'11'.repeat(32)}`,
            key_id: 'key-1',
            parameters: { tol_d: 0.15, d0: 2.2 },
            judged_at: '2026-01-01T00:00:00.000Z',
            origin: { log_id: log.logId, sequence: 2 },
          },
        },
      },
      { type: 'mark', mark: { sequence: 3, status: 400, replayed: true, verdict: null } },
      { type: 'mark', body_base64: '/w==', chain },
    ])
  })

  it('tells when a submission arrived and which trace it belongs to, where it is known', async () => {
    const directory = folders.make()
    const log = await openWal(directory)
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
    const context = { traceparent, tracestate: '' }
    const arrivedAtMs = Date.parse('2026-01-01T00:00:00Z')
    await log.append([
      submission(smallRecordBytes(1), undefined, { arrivedAtMs, context }),
      submission(smallRecordBytes(2)),
    ])
    await log.close()
    const [traced, plain] = (await exported(directory)).records
    expect(traced).toMatchObject({ arrived_at: '2026-01-01T00:00:00.000Z', traceparent })
    expect(plain).not.toHaveProperty('arrived_at')
    expect(plain).not.toHaveProperty('traceparent')
  })

  it.each([
    { given: [], sequences: [1, 2, 3, 4, 5, 6] },
    { given: ['--from', '3'], sequences: [3, 4, 5, 6] },
    { given: ['--from', '2', '--to', '4'], sequences: [2, 3, 4] },
    { given: ['--type', 'mark'], sequences: [2, 4, 6] },
    { given: ['--type', 'fence'], sequences: [] },
    { given: ['--from', '99'], sequences: [] },
  ])('prints what $given asks for', async ({ given, sequences }) => {
    const directory = folders.make()
    const log = await openWal(directory)
    for (const sequence of [1, 3, 5]) {
      await log.append([submission(Buffer.from('{}')), markRecord({ sequence, status: 400 })])
    }
    await log.close()
    expect(await exported(directory, ...given)).toMatchObject({ code: 0, sequences })
  })

  it('keeps what a dropped body leaves, and begins with the oldest record there is', async () => {
    const directory = folders.make()
    await writeSubmissions(directory, 60)
    const log = await openWal(directory)
    const [, second, third] = log.segments()
    await log.removeBefore(second?.firstSequence ?? 0)
    await log.dropBodies(second?.firstSequence ?? 0, () => true)
    await log.close()
    const { code, sequences, records } = await exported(directory)
    expect(code).toBe(0)
    expect(sequences[0]).toBe(second?.firstSequence)
    expect(records[0]).toMatchObject({
      dropped: true,
      body_bytes: submission(smallRecordBytes(second?.firstSequence ?? 0)).body.length,
    })
    expect(records[0]).not.toHaveProperty('body')
    const whole = records.find(({ sequence }) => sequence === third?.firstSequence)
    expect(whole).toHaveProperty('body', smallRecordBytes(third?.firstSequence ?? 0).toString())
  })

  it('leaves damaged records out and names them', async () => {
    const directory = folders.make()
    await writeSubmissions(directory, 40)
    flipBit(directory, '0000000000000001.seg', 4096 + 200)
    const { code, err, sequences } = await exported(directory)
    expect(code).toBe(1)
    expect(err).toBe('pcs: records that are damaged were left out: 1; see pcs wal verify\n')
    expect(sequences).toEqual(Array.from({ length: 39 }, (_, index) => index + 2))
    expect(await exported(directory, '--from', '2')).toMatchObject({ code: 0 })
  })

  it.each([
    [['--from', '3', '--to', '2'], '--to must not be less than --from'],
    [['--from', '0'], '--from must be a whole number'],
    [['--type', 'body'], '--type must be one of submission, mark, fence, dead-letter, drive-again'],
  ])('refuses %s', async (given, sentence) => {
    const { code, err } = await exported(folders.make(), ...given)
    expect(code).toBe(2)
    expect(err).toContain(sentence)
  })
})
