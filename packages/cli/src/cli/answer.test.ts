import { describe, expect, it } from 'vitest'
import { answerJson, exitCodeOf, verdictText } from './answer.js'
import { Failure } from './failure.js'
import type { Answer } from './gateway.js'

const answer = (status: number, body: unknown, more: Partial<Answer> = {}): Answer => ({
  status,
  replayed: false,
  retryAfterSeconds: undefined,
  body: typeof body === 'string' ? body : JSON.stringify(body),
  ...more,
})

const verdict = {
  pcs_id: 'ab'.repeat(32),
  accepted: true,
  escalated: false,
  recomputed_D_hat: 1,
  recomputed_budget: 0.25,
  regime: 'mixed',
  params: '0123456789ab',
}

const problemOf = (given: Answer): Failure => {
  try {
    verdictText(given)
  } catch (error) {
    if (error instanceof Failure) return error
    throw error
  }
  throw new Error('was a verdict')
}

describe('a verdict for people', () => {
  it('says accepted, and that it is the first', () => {
    const text = verdictText(answer(200, verdict))
    expect(text).toMatch(/^accepted\n/)
    expect(text).toContain('200, judged for the first time')
    expect(text).toContain('D_hat 1.0, budget 0.25, regime mixed')
  })

  it('says that it is replayed', () => {
    expect(verdictText(answer(200, verdict, { replayed: true }))).toContain('200, replayed')
  })

  it.each([
    [true, 'accepted, but escalated: budget_deviation'],
    [false, 'escalated, not accepted: budget_deviation'],
  ])('of an escalated record, accepted %s, gives reason and message', (accepted, first) => {
    const body = { ...verdict, accepted, escalated: true, reason: 'budget_deviation', message: 'It is off.' }
    const [finding, message] = verdictText(answer(202, body)).split('\n')
    expect(finding).toBe(first)
    expect(message).toBe('  It is off.')
  })

  it('says what the judgement did not reach', () => {
    const body = { ...verdict, recomputed_budget: null, regime: null }
    expect(verdictText(answer(202, body))).toContain('budget not reached, regime not reached')
  })

  it('lets no answer write control characters to the terminal', () => {
    const body = { ...verdict, message: 'a\u001b]0;b\u0007\u202ec' }
    expect(verdictText(answer(202, body))).toContain('a\ufffd]0;b\ufffd\ufffdc')
  })

  it.each(['hello', '[]', '{}', 'null'])('is not %s', (body) => {
    expect(problemOf(answer(200, body)).message).toContain('holds no verdict')
  })
})

describe('a problem for people', () => {
  it('has title, detail and each error with its pointer', () => {
    const failure = problemOf(
      answer(400, {
        title: 'Invalid record',
        detail: 'Two fields are wrong.',
        instance: 'req-1',
        errors: [
          { pointer: '/N_j/8', detail: 'is missing' },
          { pointer: '', detail: 'is cut off at byte 7' },
        ],
      }),
    )
    expect(failure.message.split('\n')).toEqual([
      '400 Invalid record: Two fields are wrong.',
      '  /N_j/8: is missing',
      '  (the whole record): is cut off at byte 7',
      '  request id: req-1',
    ])
    expect(failure.exitCode).toBe(1)
  })

  it('says when to try again', () => {
    const failure = problemOf(answer(503, { title: 'Unavailable' }, { retryAfterSeconds: 6 }))
    expect(failure.message).toContain('try again in 6 s')
    expect(failure.exitCode).toBe(3)
  })

  it('needs no problem document', () => {
    expect(problemOf(answer(502, '<html>bad gateway')).message).toBe('502 without an explanation')
  })
})

describe('the exit code', () => {
  it.each([
    [200, 0],
    [202, 0],
    [301, 1],
    [400, 1],
    [401, 1],
    [404, 1],
    [408, 3],
    [409, 1],
    [429, 3],
    [500, 3],
    [503, 3],
  ])('of %d is %d', (status, code) => {
    expect(exitCodeOf(answer(status, ''))).toBe(code)
  })
})

describe('an answer as JSON', () => {
  it('keeps the body as it was written', () => {
    expect(answerJson(answer(200, '{"a": 1.0}', { replayed: true }))).toBe(
      '{"status":200,"replayed":true,"body":{"a": 1.0}}\n',
    )
  })

  it.each([
    ['not json', '"not json"'],
    ['', '""'],
  ])('quotes a body that is none: %j', (body, quoted) => {
    expect(answerJson(answer(502, body))).toBe(`{"status":502,"replayed":false,"body":${quoted}}\n`)
  })
})
