import { wal } from '@fractal-lba/proto'
import { AppError, grpcService, startGrpcServer } from '@fractal-lba/runtime'
import { describe, expect, it, onTestFinished } from 'vitest'
import { runPcs } from '../testing/run-pcs.js'

const LOG_ID = 'a'.repeat(32)

/** A wal service with so many open submissions, one fewer at each look. */
async function drainable({ open = 0, dead = 0 } = {}): Promise<string> {
  const log = { draining: false, openCount: open }
  const server = await startGrpcServer('127.0.0.1:0', [
    grpcService(wal.WalServiceService, {
      drain({ draining }) {
        log.draining = draining
        return { openCount: log.openCount }
      },
      getState() {
        if (log.draining && log.openCount > 0) log.openCount -= 1
        const { openCount, draining } = log
        const empty = wal.GetStateResponse.decode(new Uint8Array())
        return { ...empty, logId: LOG_ID, draining, openCount, deadLetterCount: dead }
      },
    }),
  ])
  onTestFinished(() => server.stop(0))
  return `127.0.0.1:${server.port}`
}

const drain = (address: string, ...more: readonly string[]) =>
  runPcs(['wal', 'drain', '--addr', address, ...more])

describe('pcs wal drain', () => {
  it('lets the log drain, and waits until nothing is open', async () => {
    const address = await drainable({ open: 2, dead: 1 })
    expect(await drain(address)).toEqual({
      code: 0,
      out: [
        `${address}: log ${LOG_ID}`,
        'takes        no submissions: it drains',
        'open         no submissions',
        'dead letters 1 (pcs wal replay shows them)\n',
      ].join('\n'),
      err: '',
    })
  })

  it('ends with 3 when submissions are still open in the end, and says how many to machines too', async () => {
    const address = await drainable({ open: 9 })
    const late = await drain(address, '--timeout-ms', '1')
    expect(late.code).toBe(3)
    expect(late.err).toContain('still open')
    const json = await drain(address, '--timeout-ms', '1', '--json')
    expect(json.code).toBe(3)
    expect(JSON.parse(json.out)).toMatchObject({ address, log_id: LOG_ID, draining: true, dead_letters: 0 })
    expect(JSON.parse(json.out).open).toBeGreaterThan(0)
  })

  it('takes it back, and does not wait then', async () => {
    const address = await drainable({ open: 9 })
    await drain(address, '--timeout-ms', '1')
    const { code, out } = await drain(address, '--undo')
    expect(code).toBe(0)
    expect(out).toContain('takes        submissions\n')
  })

  it('says why the service refuses', async () => {
    const refuse = () => {
      throw new AppError('superseded', 'this log is retired')
    }
    const server = await startGrpcServer('127.0.0.1:0', [
      grpcService(wal.WalServiceService, { drain: refuse }),
    ])
    onTestFinished(() => server.stop(0))
    const { code, err } = await drain(`127.0.0.1:${server.port}`, '--undo')
    expect(code).toBe(1)
    expect(err).toContain('this log is retired')
  })

  it('drains one log at a time, and never all that WAL_ADDR names', async () => {
    const { code, err } = await runPcs(['wal', 'drain'], { env: { WAL_ADDR: '127.0.0.1:1,127.0.0.1:2' } })
    expect(code).toBe(2)
    expect(err).toContain('say which with --addr')
  })
})
