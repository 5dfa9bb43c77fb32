import { hash } from 'node:crypto'
import { smallRecord, smallRecordBytes, TemporaryFolders } from '@fractal-lba/agent/testing'
import {
  deadLetterRecord,
  flipBit,
  markRecord,
  openWal,
  redriveRecord,
  submission,
  verdictOf,
} from '@fractal-lba/log-tools/testing'
import { ingest, LOG_RECORD_TYPE } from '@fractal-lba/proto'
import { afterEach, describe, expect, it } from 'vitest'
import { runPcs } from '../testing/run-pcs.js'

const folders = new TemporaryFolders()
afterEach(folders.remove)

const id = smallRecord(1).pcs_id
const text = smallRecordBytes(1)

interface Proof {
  holds: boolean
  previous: string
  header: string
  digest: string
  digest_holds: boolean | null
  chain: string
  recomputed: string
  segment_start: { first_sequence: number; chain: string; links: number; holds: boolean }
  to_head: { links: number; holds: boolean }
}
interface Audited {
  sequence: number
  segment: string
  offset: number
  proof: Proof
}

async function audited(directory: string, pcsId = id) {
  const { code, out } = await runPcs(['audit', pcsId, '--dir', directory, '--json'])
  const found: {
    head: { sequence: number; chain: string }
    verdict: Record<string, unknown> | null
    attempts: (Audited & { marks: (Audited & { mark: { status: number } })[] })[]
    marks_without_submission: Audited[]
  } = JSON.parse(out)
  return { code, ...found }
}

const auditText = (directory: string, pcsId = id) => runPcs(['audit', pcsId, '--dir', directory])

/** A log with other records around; the record of `id` is judged first, then meets all that may happen. */
async function writeHistory(directory: string): Promise<string> {
  const log = await openWal(directory)
  const filler = async (count: number) => {
    for (let number = 0; number < count; number++) {
      const sequence = await log.append([submission(smallRecordBytes(100 + number))])
      await log.append([markRecord({ sequence, status: 400 })])
    }
  }
  await filler(20)
  const first = await log.append([submission(text)])
  const verdict = verdictOf(id, { origin: { logId: log.logId, sequence: first } })
  await log.append([markRecord({ sequence: first, status: 200, verdict, indexed: true })])
  await filler(20)
  // a refused one is found by its body alone
  const escapedId = `\\u00${id.charCodeAt(0).toString(16)}${id.slice(1)}`
  const binary = Buffer.from(
    ingest.PcsRecord.encode({ pcsId: id, scales: [], nJ: new Map(), vStar: [], ft: undefined }).finish(),
  )
  const attempts = await log.append([
    submission(Buffer.from(text.toString().replace(id, escapedId))),
    submission(smallRecordBytes(1, 2)),
    submission(Buffer.from(`{"pcs_id":"${escapedId}"}`)),
    submission(binary, 2),
    submission(text),
    submission(Buffer.from(`{"pcs_id":"${'0'.repeat(64)}","note":"${id}"}`)),
    submission(Buffer.from(`no JSON, but it names ${id}`)),
  ])
  await log.append([
    markRecord({ sequence: attempts, status: 200, verdict, indexed: true, replayed: true }),
    markRecord({ sequence: attempts + 1, status: 409, verdict, indexed: true }),
    markRecord({ sequence: attempts + 2, status: 400 }),
    markRecord({ sequence: attempts + 3, status: 401 }),
  ])
  await filler(5)
  await log.close()
  return log.logId
}

describe('pcs audit', () => {
  it('tells the verdict and every attempt, and nothing of others', async () => {
    const directory = folders.make()
    const logId = await writeHistory(directory)
    const { code, verdict, attempts } = await audited(directory)
    expect(code).toBe(0)
    expect(verdict).toMatchObject({
      outcome: { pcs_id: id, accepted: true },
      key_id: 'key-1',
      judged_at: '2026-01-01T00:00:00.000Z',
      parameters: { tol_d: 0.15 },
      origin: { log_id: logId, sequence: 41 },
    })
    expect(attempts.map(({ sequence, marks }) => [sequence, marks.map(({ mark }) => mark.status)])).toEqual([
      [41, [200]],
      [83, [200]],
      [84, [409]],
      [85, [400]],
      [86, [401]],
      [87, []],
    ])
    const { code: textCode, out, err } = await auditText(directory)
    expect({ textCode, err }).toEqual({ textCode: 0, err: '' })
    const findings = out.split('\n').filter((line) => line.startsWith('submission'))
    expect(findings).toEqual([
      'submission   record 41: 200, judged first',
      'submission   record 83: 200, a duplicate: the stored outcome was given again, finished by replay',
      'submission   record 84: 409, conflict: another record came first',
      'submission   record 85: 400, refused: malformed or invalid',
      'submission   record 86: 401, refused: its signature did not verify',
      'submission   record 87: open: the system finishes it by itself',
    ])
  })

  it('gives a proof that anyone can follow from record to record', async () => {
    const directory = folders.make()
    await writeHistory(directory)
    const { attempts, head } = await audited(directory)
    for (const { sequence, proof } of attempts.flatMap((attempt) => [attempt, ...attempt.marks])) {
      const bytes = Buffer.from(proof.previous + proof.header + proof.digest, 'hex')
      expect(hash('sha256', bytes, 'hex')).toBe(proof.chain)
      expect(proof).toMatchObject({ holds: true, recomputed: proof.chain, digest_holds: true })
      expect(proof.segment_start).toMatchObject({
        links: sequence - proof.segment_start.first_sequence + 1,
        holds: true,
      })
      expect(proof.to_head).toEqual({ links: head.sequence - sequence, holds: true })
    }
    expect(attempts[0]?.proof.digest).toBe(hash('sha256', submission(text).body, 'hex'))
    expect(attempts[0]?.proof.segment_start.first_sequence).toBeGreaterThan(1)
    const { records } = await exportedChains(directory)
    expect(attempts[0]?.proof.previous).toBe(records.get(40))
    expect(attempts[0]?.proof.segment_start.chain).toBe(
      records.get((attempts[0]?.proof.segment_start.first_sequence ?? 0) - 1),
    )
  })

  it('finds by its marks what compaction dropped, and keeps the proof', async () => {
    const directory = folders.make()
    await writeHistory(directory)
    const before = await audited(directory)
    const log = await openWal(directory)
    for (const { firstSequence, active } of log.segments()) {
      if (!active) await log.dropBodies(firstSequence, ({ type }) => type === LOG_RECORD_TYPE.submission)
    }
    await log.close()
    const { code, attempts } = await audited(directory)
    expect(code).toBe(0)
    expect(attempts[0]?.proof).toEqual({ ...before.attempts[0]?.proof, digest_holds: null })
    expect(attempts[0]?.sequence).toBe(41)
  })

  it('keeps marks whose submission retention removed', async () => {
    const directory = folders.make()
    const log = await openWal(directory)
    const first = await log.append([submission(text)])
    for (let number = 0; number < 40; number++) await log.append([submission(smallRecordBytes(100 + number))])
    const verdict = verdictOf(id, { origin: { logId: log.logId, sequence: first } })
    const mark = await log.append([markRecord({ sequence: first, status: 200, verdict, indexed: true })])
    await log.removeBefore(30)
    await log.close()
    const found = await audited(directory)
    expect(found).toMatchObject({ code: 0, attempts: [], verdict: { key_id: 'key-1' } })
    expect(found.marks_without_submission).toMatchObject([{ sequence: mark, proof: { holds: true } }])
  })

  it('tells of a mark that was copied from another log where its submission is', async () => {
    const directory = folders.make()
    const log = await openWal(directory)
    const [logId, flushedAtMs] = ['c'.repeat(32), Date.UTC(2026, 0, 1)]
    const verdict = verdictOf(id, { origin: { logId, sequence: 7 } })
    const copiedFrom = { logId, sequence: 9, flushedAtMs }
    await log.append([markRecord({ sequence: 0, status: 200, verdict, indexed: true, copiedFrom })])
    await log.close()
    const { code, out } = await auditText(directory)
    expect(code).toBe(0)
    expect(out).toContain(
      `submission   in log ${logId}, which is retired; its mark there, record 9 of 2026-01-01T00:00:00.000Z, was copied`,
    )
  })

  it('says that the proof fails where a record before it is damaged', async () => {
    const directory = folders.make()
    await writeHistory(directory)
    const [first] = (await audited(directory)).attempts
    const { records } = await exportedChains(directory)
    expect(records.size).toBeGreaterThan(40)
    // one bit of the record that stands before it
    flipBit(directory, first?.segment ?? '', (first?.offset ?? 0) - 3)
    const { code, attempts } = await audited(directory)
    expect(code).toBe(1)
    expect(attempts[0]?.proof).toMatchObject({ holds: false, recomputed: null, previous: null })
    const { err, out } = await auditText(directory)
    expect(err).toContain('pcs: the proof fails for record 41')
    expect(out).toContain('CANNOT be recomputed')
  })

  it('says that the way to the head is broken where a later record is damaged', async () => {
    const directory = folders.make()
    await writeHistory(directory)
    const [first, second] = (await audited(directory)).attempts
    flipBit(directory, second?.segment ?? '', (second?.offset ?? 0) + 150)
    const { code, attempts } = await audited(directory)
    expect(code).toBe(1)
    expect(attempts[0]).toMatchObject({
      sequence: first?.sequence,
      proof: { holds: true, to_head: { holds: false } },
    })
    expect((await auditText(directory)).err).toContain('does not hold from these records to the head')
  })

  it('tells a dead letter', async () => {
    const directory = folders.make()
    const log = await openWal(directory)
    await log.append([submission(text), submission(text)])
    await log.append([1, 2].map((sequence) => deadLetterRecord({ sequence, reason: 'why\u001b', tries: 5 })))
    await log.append([redriveRecord(2)])
    await log.close()
    expect((await audited(directory)).attempts).toMatchObject([
      { dead_letter: { reason: 'why\u001b', tries: 5 } },
      { dead_letter: null },
    ])
    const { out } = await auditText(directory)
    expect(out).toContain('record 1: dead letter after 5 tries: why\ufffd\n')
    expect(out).toContain('record 2: open')
  })

  it('raises the alarm when the marks of an id differ', async () => {
    const directory = folders.make()
    const log = await openWal(directory)
    await log.append([submission(text), submission(text)])
    const other = Buffer.concat([Buffer.from([1]), Buffer.alloc(32, 0x22)])
    await log.append([
      markRecord({ sequence: 1, status: 200, verdict: verdictOf(id), indexed: true }),
      markRecord({ sequence: 2, status: 200, verdict: verdictOf(id, { fingerprint: other }), indexed: true }),
    ])
    await log.close()
    expect(await audited(directory)).toMatchObject({ code: 1, integrity_alarm: true })
    expect((await auditText(directory)).err).toContain('INTEGRITY ALARM')
  })

  it('says that there is none', async () => {
    const directory = folders.make()
    await writeHistory(directory)
    const unknown = 'f'.repeat(64)
    const { code, out, err } = await auditText(directory, unknown)
    expect({ code, out }).toEqual({ code: 1, out: '' })
    expect(err).toBe(`pcs: the log holds no submission with the pcs_id ${unknown}\n`)
    expect(await audited(directory, unknown)).toMatchObject({ code: 1, attempts: [], verdict: null })
    expect((await auditText(directory, 'abc')).code).toBe(2)
  })
})

async function exportedChains(directory: string) {
  const { out } = await runPcs(['wal', 'export', '--dir', directory])
  const records = new Map<number, string>()
  for (const line of out.trimEnd().split('\n')) {
    const { sequence, chain }: { sequence: number; chain: string } = JSON.parse(line)
    records.set(sequence, chain)
  }
  return { records }
}
