import { errorTable } from '@fractal-lba/runtime'
import { describe, expect, it } from 'vitest'
import { judge } from './judgement.js'

const id = 'ab'.repeat(32)
const verdict = JSON.stringify({ pcs_id: id, accepted: false, escalated: true })
const problemJson = 'application/problem+json'

const problem = (code: string): string => JSON.stringify({ type: `/problems/${code.replaceAll('_', '-')}` })
const judgementOn = (status: number, contentType: string | undefined, body: string) =>
  judge({ status, contentType, body }, id)

describe('judge', () => {
  it.each([
    [200, 'acknowledged'],
    [202, 'acknowledged'],
    [201, 'retry'],
    [204, 'retry'],
  ])('takes %i with a verdict for %s', (status, judgement) => {
    expect(judgementOn(status, 'application/json', verdict)).toBe(judgement)
  })

  it.each([
    ['malformed', 'dead'],
    ['unauthenticated', 'dead'],
    ['too_large', 'dead'],
    ['pcs_conflict', 'conflict'],
    // these are about the request, the path or the gateway: the same record may be judged later
    ['pcs_not_found', 'retry'],
    ['unknown_path', 'retry'],
    ['method_not_allowed', 'retry'],
    ['body_timeout', 'retry'],
    ['unsupported_media_type', 'retry'],
    ['rate_limited', 'retry'],
    ['internal', 'retry'],
    ['unavailable', 'retry'],
    ['superseded', 'retry'],
  ] as const)('takes the gateway’s problem %s for %s', (code, judgement) => {
    expect(judgementOn(errorTable[code].http, problemJson, problem(code))).toBe(judgement)
  })

  it('knows each problem of the table', () => {
    const retried = Object.entries(errorTable).filter(
      ([code, { http }]) => judgementOn(http, problemJson, problem(code)) === 'retry',
    )
    expect(Object.keys(errorTable).length - retried.length).toBe(4)
  })

  it.each([
    ['a captive portal', 302, 'text/html', '<html>welcome</html>'],
    ['a page instead of a conflict', 409, 'text/html', '<html>conflict</html>'],
    ['a page instead of a refusal', 400, 'text/html', '<html>bad request</html>'],
    ['another service’s JSON', 409, 'application/json', problem('pcs_conflict')],
    ['another service’s problem', 409, problemJson, '{"type":"about:blank","status":409}'],
    ['a problem without a type', 400, problemJson, '{"title":"Bad Request","status":400}'],
    ['a type of another status', 500, problemJson, problem('pcs_conflict')],
    ['half a problem', 409, problemJson, problem('pcs_conflict').slice(0, -2)],
    ['a wall', 403, 'text/html', ''],
    ['nothing there', 404, undefined, ''],
    ['a broken server', 500, 'text/plain', 'oops'],
    ['a network that wants a login', 511, 'text/html', '<html>'],
    ['a provider’s front', 521, 'text/html', '<html>'],
  ])('does not take %s (%i) for the gateway', (_, status, contentType, body) => {
    expect(judgementOn(status, contentType, body)).toBe('retry')
  })

  it('takes a problem whose content type has parameters and capitals', () => {
    expect(judgementOn(409, 'Application/Problem+JSON; charset=utf-8', problem('pcs_conflict'))).toBe(
      'conflict',
    )
  })

  it.each([
    ['nothing', ''],
    ['the login page of a network', '<html>welcome</html>'],
    ['a verdict on another record', verdict.replaceAll('ab', 'cd')],
    ['half a verdict', verdict.slice(0, -5)],
    ['JSON that is no object', 'null'],
    ['a verdict without its words', JSON.stringify({ pcs_id: id })],
  ])('does not take a 200 with %s for a verdict', (_, body) => {
    expect(judgementOn(200, 'application/json', body)).toBe('retry')
    expect(judgementOn(202, 'application/json', body)).toBe('retry')
  })
})
