import { describe, expect, it } from 'vitest'
import { ACCEPTED, ACCEPTED_BODY } from '../testing/fake-ingest.js'
import { linesOf, outcomeLine, problemLine } from './lines.js'

const found = (text: string, linesMax = 1_000) =>
  linesOf(Buffer.from(text, 'latin1'), linesMax)?.map(
    ({ number, body }) => `${number} ${body.toString('latin1')}`,
  )

describe('the lines of a batch', () => {
  it.each<[name: string, text: string, lines: readonly string[]]>([
    ['none', '', []],
    ['one without an end', 'a', ['1 a']],
    ['one', 'a\n', ['1 a']],
    ['two, the last one without an end', 'a\nb', ['1 a', '2 b']],
    ['CR LF', 'a\r\nb\r\n', ['1 a', '2 b']],
    ['empty ones are numbered', '\n\na\n\r\nb\n\n', ['3 a', '5 b']],
    ['nothing but empty ones', '\n\r\n\n\r', []],
    ['spaces are something', ' \n', ['1  ']],
    ['a CR within belongs to the line', 'a\rb\r\r\nc\r', ['1 a\rb\r', '2 c']],
    ['other ends of lines are none', 'a\u000b\u000cb\u0085', ['1 a\u000b\u000cb\u0085']],
  ])('%s', (_, text, lines) => expect(found(text)).toEqual(lines))

  it('are so many at most, empty ones too', () => {
    expect(found('a\n'.repeat(3), 3)).toHaveLength(3)
    expect(found('a\na\na', 3)).toHaveLength(3)
    expect(found(`${'a\n'.repeat(3)}\n`, 3)).toBeUndefined()
    expect(found('\n'.repeat(4), 3)).toBeUndefined()
  })

  it('are of the memory of the batch', () => {
    const batch = Buffer.from('ab\ncd')
    for (const { body } of linesOf(batch, 9) ?? []) expect(body.buffer).toBe(batch.buffer)
  })
})

describe('the answer to a line', () => {
  it('has the body of the outcome, byte for byte', () => {
    expect(outcomeLine(7, { ...ACCEPTED, replayed: true })).toBe(
      `{"line":7,"status":200,"replayed":true,"outcome":${ACCEPTED_BODY}}\n`,
    )
  })

  it('has the problem, and for how long to wait where there is something to wait for', () => {
    const told = { status: 400, body: '{"type":"/problems/malformed"}', retryAfterSeconds: undefined }
    expect(problemLine(2, told)).toBe('{"line":2,"status":400,"problem":{"type":"/problems/malformed"}}\n')
    expect(problemLine(2, { ...told, status: 503, retryAfterSeconds: 5 })).toBe(
      '{"line":2,"status":503,"retry_after":5,"problem":{"type":"/problems/malformed"}}\n',
    )
  })
})
