import { describe, expect, it } from 'vitest'
import { readArguments } from './arguments.js'
import type { Command } from './command.js'
import { EXIT, Failure } from './failure.js'

const command: Command = {
  name: 'try',
  summary: '',
  usage: '',
  notes: '',
  options: [
    { name: 'in', value: 'FILE', help: '' },
    { name: 'seed', value: 'N', help: '' },
    { name: 'sign', help: '' },
  ],
  positionals: ['ID'],
  run: async () => EXIT.done,
}

const failureOf = (make: () => unknown): Failure => {
  try {
    make()
  } catch (error) {
    if (error instanceof Failure) return error
    throw error
  }
  throw new Error('was taken')
}

describe('the arguments of a command', () => {
  it('are options with values, switches and positionals in any order', () => {
    const given = readArguments(command, ['--sign', 'abc', '--in=a=b', '--seed', '-5'])
    expect(given.has('sign')).toBe(true)
    expect(given.positional('ID')).toBe('abc')
    expect(given.required('in')).toBe('a=b')
    expect(given.requiredInteger('seed', { min: -10, max: 10 })).toBe(-5)
    expect(given.help).toBe(false)
  })

  it.each([
    [['--in', '-'], '-'],
    [['--in=-x'], '-x'],
    [['--in=--sign'], '--sign'],
  ])('%j: a value may begin with a dash', (args, value) => {
    expect(readArguments(command, args).text('in')).toBe(value)
  })

  it.each([[['-h']], [['--help']], [['--in', 'x', '--help']]])('%j asks for help', (args) => {
    expect(readArguments(command, args).help).toBe(true)
  })

  it.each([
    [['--sgin'], 'unknown option --sgin'],
    [['-x'], 'unknown option -x'],
    [['--constructor'], 'unknown option --constructor'],
    [['--in'], '--in needs a value: FILE'],
    [['--in='], '--in needs a value: FILE'],
    [['--in', '--sign'], '--in needs a value: FILE'],
    [['--in', 'a', '--in', 'b'], '--in is given twice'],
    [['--sign=yes'], '--sign takes no value'],
    [['a', 'b'], 'unexpected argument b'],
    [['a', 'b\u001b[2J'], 'unexpected argument b\ufffd[2J'],
  ])('%j: refused with one sentence', (args, sentence) => {
    const failure = failureOf(() => readArguments(command, args))
    expect(failure.message).toContain(sentence)
    expect(failure.exitCode).toBe(EXIT.usage)
  })

  it.each(['1.0', '1e3', '01', '+1', ' 1', '0x1', '', '11', '-11', '9007199254740993'])(
    'seed %j is no whole number from −10 to 10',
    (text) => {
      const failure = failureOf(() =>
        readArguments(command, [`--seed=${text}`]).requiredInteger('seed', { min: -10, max: 10 }),
      )
      expect(failure.message).toMatch(/--seed (must be a whole number from -10 to 10|needs a value)/)
    },
  )

  it('names what must be given', () => {
    const given = readArguments(command, [])
    expect(failureOf(() => given.required('in')).message).toBe('--in must be given')
    expect(failureOf(() => given.positional('ID')).message).toBe('ID must be given')
    expect(given.integer('seed', { min: 0, max: 1 })).toBeUndefined()
  })
})
