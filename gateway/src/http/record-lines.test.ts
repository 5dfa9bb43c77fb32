import { AppError } from '@fractal-lba/runtime'
import { afterEach, describe, expect, it } from 'vitest'
import { ask, submission } from './testing/connection.js'
import { ACCEPTED } from './testing/fake-ingest.js'
import { type HttpUnderTest, startHttp } from './testing/start-http.js'

let http: HttpUnderTest
afterEach(() => http.close())

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const SPAN = 'b7ad6b7169203331'
const HEADERS = { traceparent: `00-${TRACE}-${SPAN}-01`, 'X-Request-Id': 'order-17' }

async function linesOf(answer: () => Promise<typeof ACCEPTED>, headers = {}): Promise<object[]> {
  const lines: object[] = []
  http = await startHttp({ onLine: (line) => lines.push(JSON.parse(line)) })
  http.ingest.answer = answer
  await ask(http.port, submission('{"secret": 1}', headers))
  return lines
}

const escalated = {
  ...ACCEPTED,
  status: 202 as const,
  outcome: { ...ACCEPTED.outcome, escalated: true, reason: 'regime_mismatch' },
}

describe('a line of the log', () => {
  it('tells of a refused record: request, trace, reason; never what was sent', async () => {
    const lines = await linesOf(async () => {
      throw new AppError('unauthenticated', 'the signature is missing or does not verify')
    }, HEADERS)
    expect(lines).toMatchObject([
      {
        ...{ level: 'info', msg: 'a record was refused', service: 'gateway', front: 'http', status: 401 },
        ...{ reason: 'unauthenticated', requestId: 'order-17', trace_id: TRACE, span_id: SPAN },
        elapsedMs: expect.any(Number),
      },
    ])
    expect(JSON.stringify(lines)).not.toContain('secret')
  })

  it('tells of an escalated one, and of its duplicate no more', async () => {
    expect(await linesOf(async () => escalated)).toMatchObject([
      { level: 'info', msg: 'a record was escalated', reason: 'regime_mismatch', status: 202 },
    ])
    await http.close()
    expect(await linesOf(async () => ({ ...escalated, replayed: true }))).toEqual([])
  })

  it('tells of a failed one as a warning', async () => {
    const lines = await linesOf(async () => {
      throw new AppError('unavailable', 'dedup is not reachable')
    })
    expect(lines).toMatchObject([
      {
        level: 'warn',
        msg: 'a record could not be finished',
        reason: 'unavailable',
        detail: 'dedup is not reachable',
      },
    ])
    expect(lines[0]).not.toHaveProperty('trace_id')
  })

  it('tells nothing of an accepted one', async () => {
    expect(await linesOf(async () => ACCEPTED)).toEqual([])
  })

  it('tells what the headers spoke against', async () => {
    expect(await linesOf(async () => ACCEPTED, { 'Content-Type': 'text/plain' })).toMatchObject([
      { msg: 'a record was refused', status: 415, reason: 'unsupported_media_type' },
    ])
  })
})
