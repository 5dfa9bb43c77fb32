import { describe, expect, it } from 'vitest'
import { type Events, MalformedCsv, readEvents } from './csv.js'

const HEADER = 'timestamp,x,y,z\n'

describe('events from CSV', () => {
  it('are numbers to compute with and coordinates as they were written', () => {
    const events = readEvents(`${HEADER}0.5,1,-2.50,+3e2\n1e1,.5,5.,0.0\n`)
    expect(events.count).toBe(2)
    expect([...events.timestamps]).toEqual([0.5, 10])
    expect([...events.points.x]).toEqual([1, 0.5])
    expect([...events.points.y]).toEqual([-2.5, 5])
    expect([...events.points.z]).toEqual([300, 0])
    expect(writtenIn(events)).toEqual(['1,-2.50,+3e2', '.5,5.,0.0'])
  })

  it.each([
    ['no bytes', '', 0],
    ['blank lines only', '\n\n', 0],
    ['a header alone', HEADER, 0],
    ['a header without a line end', 'timestamp,x,y,z', 0],
    ['no line end at the end', `${HEADER}0,1,2,3`, 1],
    ['CRLF', 'timestamp,x,y,z\r\n0,1,2,3\r\n', 1],
    ['blank lines at the end', `${HEADER}0,1,2,3\n\n  \r\n\n`, 1],
  ])('%s: taken', (_, csv, count) => {
    const events = readEvents(csv)
    expect(events.count).toBe(count)
    expect(writtenIn(events)).toEqual(count === 1 ? ['1,2,3'] : [])
  })

  it('keeps spaces beside a number as written', () => {
    expect(writtenIn(readEvents(`${HEADER}0, 1,2 ,3\n`))).toEqual([' 1,2 ,3'])
  })

  it.each([
    ['another header', 'time,x,y,z\n', 1, 'the header must be timestamp,x,y,z, found "time,x,y,z"'],
    ['a missing header', '0,1,2,3\n', 1, 'the header must be timestamp,x,y,z, found "0,1,2,3"'],
    ['a byte-order mark', `\ufeff${HEADER}`, 1, 'byte-order mark'],
    ['a missing column', `${HEADER}0,1,2,3\n0,1,2\n`, 3, 'has 3 of 4 columns; missing: z'],
    ['one column', `${HEADER}0\n`, 2, 'has 1 of 4 columns; missing: x, y, z'],
    ['a fifth column', `${HEADER}0,1,2,3,4\n`, 2, 'has 5 columns, 4 are due'],
    ['a blank first line', `\n${HEADER}0,1,2,3\n`, 1, 'the header must be timestamp,x,y,z, found ""'],
    ['a blank line between', `${HEADER}0,1,2,3\n\n0,1,2,3\n`, 3, 'is blank, but events follow'],
    ['quotes', `${HEADER}0,"1",2,3\n`, 2, 'has quotes'],
    ['an empty field', `${HEADER}0,,2,3\n`, 2, 'column x is empty'],
    ['a word', `${HEADER}0,1,two,3\n`, 2, 'column y is not a number: "two"'],
    ['hexadecimal', `${HEADER}0,1,0x10,3\n`, 2, 'column y is not a number: "0x10"'],
    ['an underscore', `${HEADER}0,1_0,2,3\n`, 2, 'column x is not a number: "1_0"'],
    ['nan', `${HEADER}0,1,2,NaN\n`, 2, 'column z is not finite: "NaN"'],
    ['infinity', `${HEADER}-inf,1,2,3\n`, 2, 'column timestamp is not finite: "-inf"'],
    ['an overflow', `${HEADER}0,1e400,2,3\n`, 2, 'column x is not finite: "1e400"'],
    ['a huge coordinate', `${HEADER}0,1,2,-1e291\n`, 2, 'column z is beyond 1e+290'],
    ['control characters', `${HEADER}0,1\u001b[2J,2,3\n`, 2, 'column x is not a number: "1\\u001b[2J"'],
  ])('%s: refused with the line', (_, csv, line, detail) => {
    expect(refusal(csv)).toMatchObject({ file: 'walk.csv', line })
    expect(refusal(csv).message).toContain(`walk.csv:${line}: `)
    expect(refusal(csv).detail).toContain(detail)
  })

  it('refuses a number without an end, and a line of them, at once', () => {
    const digits = '1'.repeat(80_000)
    const startedMs = performance.now()
    expect(refusal(`${HEADER}0,${digits}x,2,3\n`).detail).toContain('has more than 4099 characters')
    expect(refusal(`${HEADER}0,${'1'.repeat(1_025)},2,3\n`).detail).toBe(
      'column x has more than 1024 characters',
    )
    expect(refusal(`${HEADER}${','.repeat(80_000)}\n`).detail).toContain('has more than 4099 characters')
    expect(refusal(`${digits}\n`).detail).toContain('the header must be')
    expect(performance.now() - startedMs).toBeLessThan(1_000)
    expect(readEvents(`${HEADER}0,${'1'.repeat(200)}.${'1'.repeat(823)},2,3\n`).count).toBe(1)
  })

  it.each([
    ['UTF-16', Uint8Array.of(0xff, 0xfe, 0x74, 0), 1, 'UTF-16'],
    ['a UTF-8 byte-order mark', Uint8Array.of(0xef, 0xbb, 0xbf, 0x74), 1, 'byte-order mark'],
    ['broken UTF-8', Buffer.from(`${HEADER}0,1,2,3\n0,1,\xff,3\n`, 'latin1'), 3, 'column y is not a number'],
  ])('bytes of %s: refused with the line', (_, bytes, line, detail) => {
    expect(refusal(bytes)).toMatchObject({ line })
    expect(refusal(bytes).detail).toContain(detail)
  })
})

function writtenIn({ count, written: { csv, starts, ends } }: Events): string[] {
  return Array.from({ length: count }, (_, event) => csv.toString('utf8', starts[event], ends[event]))
}

function refusal(csv: string | Uint8Array): MalformedCsv {
  try {
    readEvents(csv, 'walk.csv')
  } catch (error) {
    if (error instanceof MalformedCsv) return error
    throw error
  }
  throw new Error('was taken')
}
