import { describe, expect, it } from 'vitest'
import { accountOf, type Seen, type Sent } from './account.js'

const sent: Sent = {
  kinds: { new: 90, duplicate: 6, bad_signature: 2, malformed: 2 },
  answers: { 200: 96, 401: 2, 400: 2 },
  unanswered: 0,
}
const seen: Seen = {
  ...{ answers: { 200: 96, 401: 2, 400: 2 }, appended: 100, accepted: 90, duplicates: 6, badSignatures: 2 },
  log: { submissions: 100, marks: 100, open: 0 },
}
const differing = (one: Sent, other: Seen) =>
  accountOf(one, other)
    .filter(({ agrees }) => !agrees)
    .map(({ what }) => what)

describe('an account', () => {
  it('agrees where everything that was sent is found again', () => {
    expect(differing(sent, seen)).toEqual([])
  })

  it.each<[string, Partial<Seen>, string]>([
    ['a record that the gateway did not append', { appended: 99 }, 'appended to the log'],
    ['one that is judged twice', { accepted: 91, duplicates: 5 }, 'new records, judged once each'],
    [
      'one that is not in the log',
      { log: { submissions: 99, marks: 99, open: 0 } },
      'submissions in the log',
    ],
    ['one without a mark', { log: { submissions: 100, marks: 99, open: 1 } }, 'submissions without a mark'],
    ['an answer of another status', { answers: { 200: 95, 202: 1, 401: 2, 400: 2 } }, 'answers 202'],
    ['a signature that was not refused', { badSignatures: 1 }, 'refused for their signature'],
  ])('finds %s', (_, change, what) => {
    expect(differing(sent, { ...seen, ...change })).toContain(what)
  })

  it('lets a submission be in the log that was answered 503, or not at all', () => {
    const refused: Sent = { ...sent, answers: { 200: 94, 401: 2, 400: 2, 503: 1 }, unanswered: 1 }
    const answers = { 200: 94, 401: 2, 400: 2, 503: 1 }
    const finished: Seen = { ...seen, answers, accepted: 88 + 2 }
    expect(differing(refused, finished)).toEqual([])
    const lost: Seen = { ...finished, appended: 97, log: { submissions: 97, marks: 97, open: 0 } }
    expect(differing(refused, lost)).toEqual(['appended to the log'])
  })

  it('counts a submission that the generator lost', () => {
    expect(differing({ ...sent, kinds: { ...sent.kinds, new: 91 } }, seen)).toContain(
      'submissions, and their answers',
    )
  })
})
