import { dedup } from '@fractal-lba/proto'
import { describe, expect, it } from 'vitest'
import { fingerprintOf, LOG_ID, verdictOf } from '../testing/verdicts.js'
import { classify } from './finding.js'

const { FINDING_CONFLICT, FINDING_DUPLICATE, FINDING_OWN } = dedup.Finding
const OTHER_LOG = 'bb'.repeat(16)

describe('what a standing verdict is to the one who asks', () => {
  const standing = verdictOf('a', { content: 'x', sequence: 7 })
  it.each([
    ['the entry that was judged', 'x', { logId: LOG_ID, sequence: 7 }, FINDING_OWN],
    [
      'another entry of the log with the same content',
      'x',
      { logId: LOG_ID, sequence: 8 },
      FINDING_DUPLICATE,
    ],
    ['the same position of another log', 'x', { logId: OTHER_LOG, sequence: 7 }, FINDING_DUPLICATE],
    ['a record that is not in a log yet', 'x', undefined, FINDING_DUPLICATE],
    ['another entry with other content', 'y', { logId: LOG_ID, sequence: 8 }, FINDING_CONFLICT],
    ['the same position with other content', 'y', { logId: LOG_ID, sequence: 7 }, FINDING_CONFLICT],
  ])('%s', (_, content, origin, finding) => {
    expect(classify(standing, { fingerprint: fingerprintOf(`${content} of a`), origin })).toBe(finding)
  })
})
