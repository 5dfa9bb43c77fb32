import { dedup, wal } from '@fractal-lba/proto'
import { AppError, grpcService, startGrpcServer } from '@fractal-lba/runtime'
import { describe, expect, it, onTestFinished } from 'vitest'
import { runPcs } from '../testing/run-pcs.js'

const CLOCK_MS = Date.UTC(2026, 0, 1)

type Confirm = (request: wal.ConfirmClockRequest) => wal.ConfirmClockResponse

/** A wal and a dedup in one server. */
async function services(confirmClock: Confirm): Promise<string> {
  const server = await startGrpcServer('127.0.0.1:0', [
    grpcService(wal.WalServiceService, { confirmClock }),
    grpcService(dedup.DedupServiceService, { confirmClock }),
  ])
  onTestFinished(() => server.stop(0))
  return `127.0.0.1:${server.port}`
}

const confirm = (address: string, ...more: readonly string[]) =>
  runPcs(['clock', 'confirm', '--wal', address, '--dedup', address, ...more])

describe('pcs clock confirm', () => {
  it('tells wal and dedup the time of this machine, and shows theirs', async () => {
    const told: number[] = []
    const address = await services(({ operatorClockMs }) => {
      told.push(operatorClockMs)
      return { clockMs: CLOCK_MS, doubt: '' }
    })
    expect(await confirm(address)).toMatchObject({
      code: 0,
      out: `wal ${address}: 2026-01-01T00:00:00.000Z, trusted\ndedup ${address}: 2026-01-01T00:00:00.000Z, trusted\n`,
    })
    expect(told).toHaveLength(2)
    for (const ms of told) expect(Math.abs(ms - Date.now())).toBeLessThan(60_000)
  })

  it('says what is still said against one, and ends with 1', async () => {
    const address = await services(() => ({ clockMs: CLOCK_MS, doubt: 'it is 15 d from its peers' }))
    const { code, out, err } = await confirm(address)
    expect(code).toBe(1)
    expect(out).toContain('in doubt: it is 15 d from its peers')
    expect(err).toContain('against 2 of 2 clocks')
    const json = await confirm(address, '--json')
    expect(json.code).toBe(1)
    expect(JSON.parse(json.out.split('\n')[0] ?? '')).toEqual({
      ...{ service: 'wal', address, clock: '2026-01-01T00:00:00.000Z', doubt: 'it is 15 d from its peers' },
    })
  })

  it('says why a service refuses', async () => {
    const address = await services(() => {
      throw new AppError('superseded', 'set the wrong one right first')
    })
    const { code, err } = await confirm(address)
    expect(code).toBe(1)
    expect(err).toContain('set the wrong one right first')
  })

  it('says that nobody is there, and what is no address', async () => {
    expect(await confirm('127.0.0.1:9')).toMatchObject({ code: 3 })
    expect(await confirm('nowhere')).toMatchObject({ code: 2 })
  })
})
