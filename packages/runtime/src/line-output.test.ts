import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { LineOutput } from './line-output.js'

function opened(path: string, flags: string): number {
  const fd = openSync(path, flags)
  onTestFinished(() => closeSync(fd))
  return fd
}

it('writes whole lines', () => {
  const directory = mkdtempSync(join(tmpdir(), 'fractal-lba-output-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  const file = join(directory, 'log')
  const output = new LineOutput(opened(file, 'a'))
  output.write('one\n')
  output.write('two ä\n')
  expect(readFileSync(file, 'utf8')).toBe('one\ntwo ä\n')
  expect(output.linesLost).toBe(0)
})

it('counts what a full disk did not take', () => {
  const output = new LineOutput(opened('/dev/full', 'w'))
  output.write('one\n')
  output.write('two\n')
  expect(output.linesLost).toBe(2)
})

it('counts what an output that cannot be written at all did not take', () => {
  const output = new LineOutput(opened('/dev/null', 'r'))
  output.write('one\n')
  expect(output.linesLost).toBe(1)
})
