import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { eachLine } from './lines.js'

async function linesOf(chunks: readonly (string | Buffer)[]): Promise<string[]> {
  const stream = new PassThrough()
  const lines: string[] = []
  eachLine(stream, (line) => lines.push(line))
  for (const chunk of chunks) stream.write(chunk)
  stream.end()
  await new Promise((resolve) => stream.once('close', resolve))
  return lines
}

describe('eachLine', () => {
  it.each([
    ['several in a chunk', ['a\nb\n'], ['a', 'b']],
    ['one over several chunks', ['a', 'b', 'c\n'], ['abc']],
    ['empty ones', ['\n\na\n'], ['', '', 'a']],
    ['a last one without its end', ['a\nb'], ['a', 'b']],
    ['nothing', [], []],
  ])('%s', async (_case, chunks, expected) => {
    expect(await linesOf(chunks)).toEqual(expected)
  })

  it('keeps a character together that two chunks share', async () => {
    const bytes = Buffer.from('ß★\n')
    expect(await linesOf([bytes.subarray(0, 1), bytes.subarray(1, 3), bytes.subarray(3)])).toEqual(['ß★'])
  })

  it('cuts a line that does not end, and goes on with the next', async () => {
    const [long, next] = await linesOf(['x'.repeat(50_000), 'x'.repeat(50_000), '\nnext\n'])
    expect(long).toBe(`${'x'.repeat(65_536)}…`)
    expect(next).toBe('next')
  })
})
