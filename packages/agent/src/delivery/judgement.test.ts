import { describe, expect, it } from 'vitest'
import { judge } from './judgement.js'

const id = 'ab'.repeat(32)
const verdict = JSON.stringify({ pcs_id: id, accepted: false, escalated: true })

describe('judge', () => {
  it.each([
    [200, 'acknowledged'],
    [202, 'acknowledged'],
    [409, 'conflict'],
    [408, 'retry'],
    [429, 'retry'],
    [502, 'retry'],
    [503, 'retry'],
    [504, 'retry'],
    [400, 'dead'],
    [401, 'dead'],
    [403, 'dead'],
    [404, 'dead'],
    [405, 'dead'],
    [413, 'dead'],
    [415, 'dead'],
    [425, 'dead'],
    [500, 'dead'],
    [501, 'dead'],
    [201, 'dead'],
    [204, 'dead'],
    [301, 'dead'],
    [307, 'dead'],
  ])('takes %i for %s', (status, judgement) => {
    expect(judge({ status, body: verdict }, id)).toBe(judgement)
  })

  it.each([
    ['nothing', ''],
    ['the login page of a network', '<html>welcome</html>'],
    ['a verdict on another record', verdict.replaceAll('ab', 'cd')],
    ['half a verdict', verdict.slice(0, -5)],
    ['JSON that is no object', 'null'],
    ['a verdict without its words', JSON.stringify({ pcs_id: id })],
  ])('does not take a 200 with %s for a verdict', (_, body) => {
    expect(judge({ status: 200, body }, id)).toBe('retry')
    expect(judge({ status: 202, body }, id)).toBe('retry')
  })
})
