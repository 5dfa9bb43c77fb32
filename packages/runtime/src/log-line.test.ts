import { describe, expect, it } from 'vitest'
import { eventLine, humanLine } from './log-line.js'

function line(fields: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({ level: 'warn', time: '2026-01-01T12:03:04.000Z', service: 'wal', ...fields })
}

const CLOCK = /^\d\d:\d\d:\d\d /

describe('humanLine', () => {
  it('shows clock, process, level and message', () => {
    const shown = humanLine('wal', line({ msg: 'the disk is nearly full' }), 'warn')
    expect(shown).toMatch(/^\d\d:03:04 wal {12}warn {2}the disk is nearly full$/)
  })

  it('names the service that wrote the line, where one process has several', () => {
    expect(humanLine('one-process', line({ msg: 'm' }), 'warn')).toMatch(/^\S+ wal {12}warn {2}m$/)
    const forged = line({ msg: 'm', service: 'w\nal' })
    expect(humanLine('one-process', forged, 'warn')).toMatch(/^\S+ one-process {4}warn {2}m$/)
  })

  it.each([
    ['info', 'warn', false],
    ['warn', 'warn', true],
    ['fatal', 'warn', true],
    ['debug', 'info', false],
    ['debug', 'debug', true],
  ] as const)('%s is shown from %s on: %s', (level, shown, expected) => {
    expect(humanLine('wal', line({ level, msg: 'm' }), shown) !== undefined).toBe(expected)
  })

  it('tells the cause of an error and the other fields', () => {
    const shown = humanLine(
      'wal',
      line({ msg: 'm', err: { message: 'EIO', stack: 'long' }, open: 3, id: 'a' }),
      'warn',
    )
    expect(shown?.replace(CLOCK, '')).toBe('wal            warn  m (EIO) open=3 id=a')
  })

  it('does not tell the cause twice', () => {
    expect(humanLine('wal', line({ msg: 'EIO', err: { message: 'EIO' } }), 'warn')).toMatch(/ EIO$/)
  })

  it.each(['not JSON', '{"half":', '[1]', '{"no":"level"}', ''])('shows %j as it is', (text) => {
    expect(humanLine('wal', text, 'fatal')?.replace(CLOCK, '')).toBe(`wal            ${text}`)
  })

  it('writes control characters out, also those that JSON had escaped', () => {
    const forged = 'a\n12:00:00 wal info  all is well\u001b[2J\u202e'
    expect(humanLine('wal', line({ msg: forged }), 'warn')?.split('\n')).toHaveLength(1)
    expect(eventLine('wal', forged)).toContain('a\\u{a}12:00:00 wal info  all is well\\u{1b}[2J\\u{202e}')
  })
})
