import { dedup } from '@fractal-lba/proto'
import { AppError, grpcService, type Handlers, startGrpcServer } from '@fractal-lba/runtime'
import { describe, expect, it, onTestFinished } from 'vitest'
import { runPcs } from '../testing/run-pcs.js'

const [ONE, OTHER, GONE] = ['1', '2', '3'].map((digit) => digit.repeat(32))

async function service(handlers: Partial<Handlers<typeof dedup.DedupServiceService>>): Promise<string> {
  const server = await startGrpcServer('127.0.0.1:0', [grpcService(dedup.DedupServiceService, handlers)])
  onTestFinished(() => server.stop(0))
  return `127.0.0.1:${server.port}`
}

const logOf = (changes: Partial<dedup.IndexedLog>): dedup.IndexedLog => ({
  ...{ logId: ONE ?? '', address: 'wal-0:8082', reached: true, indexed: true, retired: false },
  ...{ draining: false, openCount: 0, deadLetterCount: 0, lastMarkMs: 0 },
  ...{ obstacle: '', obstacleToCopying: '', ...changes },
})

const listing = (...logs: dedup.IndexedLog[]) =>
  service({ listLogs: () => ({ logs, answers: true, refusal: '' }) })

describe('pcs dedup logs', () => {
  it('lists each log, and what retiring it would need', async () => {
    const lastMarkMs = Date.UTC(2026, 0, 1)
    const address = await listing(
      logOf({ draining: true, lastMarkMs, obstacle: 'its last mark counts until then' }),
      logOf({
        logId: OTHER ?? '',
        reached: false,
        obstacle: 'it cannot be asked',
        obstacleToCopying: 'it cannot',
      }),
      logOf({ logId: GONE ?? '', address: '', retired: true, indexed: false }),
    )
    const { code, out } = await runPcs(['dedup', 'logs', '--addr', address])
    expect(code).toBe(0)
    expect(out.split('\n')).toEqual([
      `log ${ONE} at wal-0:8082`,
      '  indexed      yes',
      '  takes        no submissions: it drains',
      '  open         0, dead letters 0',
      '  last mark    2026-01-01T00:00:00.000Z',
      '  to retire it its last mark counts until then (--copy-to)',
      `log ${OTHER} at wal-0:8082`,
      '  indexed      yes',
      '  reached      no: it cannot be asked',
      `log ${GONE}`,
      '  retired',
      '',
    ])
    const json = await runPcs(['dedup', 'logs', '--addr', address, '--json'])
    expect(
      json.out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toMatchObject([
      { log_id: ONE, draining: true, last_mark: '2026-01-01T00:00:00.000Z', obstacle_to_copying: null },
      { log_id: OTHER, reached: false },
      { log_id: GONE, address: null, retired: true },
    ])
  })
})

describe('pcs dedup logs add', () => {
  const adding = async (indexedAfter: number) => {
    const told: string[] = []
    let looks = 0
    const address = await service({
      addLog: (request) => {
        told.push(request.address)
        return { logId: ONE ?? '' }
      },
      listLogs: () => {
        looks += 1
        return { logs: [logOf({ indexed: looks > indexedAfter })], answers: true, refusal: '' }
      },
    })
    return { told, address }
  }

  it('tells every process, and waits until each answers with the log', async () => {
    const [one, two] = [await adding(1), await adding(0)]
    const addr = `${one.address},${two.address}`
    const { code, out } = await runPcs(['dedup', 'logs', 'add', 'wal-0:8082', '--addr', addr])
    expect(code).toBe(0)
    expect([one.told, two.told]).toEqual([['wal-0:8082'], ['wal-0:8082']])
    expect(out.match(/answers with log 1{32} at wal-0:8082/g)).toHaveLength(2)
  })

  it('ends with 3 when one does not in time, with 2 for what is no address', async () => {
    const { address } = await adding(1_000)
    const late = await runPcs(['dedup', 'logs', 'add', 'wal-0:8082', '--addr', address, '--timeout-ms', '1'])
    expect([late.code, late.err]).toEqual([3, expect.stringContaining('not indexed yet')])
    expect((await runPcs(['dedup', 'logs', 'add', 'nowhere', '--addr', address])).code).toBe(2)
    expect((await runPcs(['dedup', 'logs', 'add', '--addr', address])).code).toBe(2)
  })
})

describe('pcs dedup logs retire', () => {
  const progress = { share: 0.5, refusal: '', copied: 3, retired: false }

  it('waits for its end, and says how many marks were copied', async () => {
    const asked: dedup.RetireLogRequest[] = []
    const address = await service({
      async *retireLog(request) {
        asked.push(request)
        yield progress
        yield { ...progress, share: 1, copied: 7, retired: true }
      },
    })
    const retire = (...more: string[]) => runPcs(['dedup', 'logs', 'retire', ...more, '--addr', address])
    const copied = await retire(ONE ?? '', '--copy-to', OTHER ?? '')
    expect(copied).toMatchObject({ code: 0, out: expect.stringContaining(`7 marks were copied to ${OTHER}`) })
    const json = await retire(ONE ?? '', '--json')
    expect(JSON.parse(json.out)).toEqual({ log_id: ONE, retired: true, copied: 7, copied_to: null })
    expect(asked).toEqual([
      { logId: ONE, copyToLogId: OTHER, lost: false },
      { logId: ONE, copyToLogId: '', lost: false },
    ])
    await retire(ONE ?? '', '--lost')
    expect(asked.at(-1)).toEqual({ logId: ONE, copyToLogId: '', lost: true })
    expect((await retire(ONE ?? '', '--lost', '--copy-to', OTHER ?? '')).code).toBe(2)
    expect((await retire('17')).code).toBe(2)
    expect((await retire(ONE ?? '', '--copy-to', 'x')).code).toBe(2)
  })

  it('says why it may not be, and that it is not over when the answers break off', async () => {
    const refusing = await service({
      // biome-ignore lint/correctness/useYield: it refuses before anything
      async *retireLog() {
        throw new AppError('superseded', 'its last mark counts until then')
      },
    })
    const { code, err } = await runPcs(['dedup', 'logs', 'retire', ONE ?? '', '--addr', refusing])
    expect([code, err]).toEqual([1, expect.stringContaining('its last mark counts until then')])
    const short = await service({
      async *retireLog() {
        yield progress
      },
    })
    expect((await runPcs(['dedup', 'logs', 'retire', ONE ?? '', '--addr', short])).code).toBe(1)
  })
})
