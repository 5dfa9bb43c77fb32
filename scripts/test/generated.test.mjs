import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { differences } from './generated.mjs'

let place = ''
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'fractal-lba-differences-'))
  for (const side of ['a', 'b']) {
    mkdirSync(join(place, side, 'flk'), { recursive: true })
    writeFileSync(join(place, side, 'flk', 'same.ts'), 'same')
  }
})
afterEach(() => rmSync(place, { recursive: true }))

describe('differences', () => {
  it('finds none between equals', () => {
    expect(differences(join(place, 'a'), join(place, 'b'))).toEqual([])
  })

  it('finds what is new, gone or changed', () => {
    writeFileSync(join(place, 'a', 'flk', 'gone.ts'), '')
    writeFileSync(join(place, 'b', 'flk', 'new.ts'), '')
    writeFileSync(join(place, 'a', 'changed.ts'), 'before')
    writeFileSync(join(place, 'b', 'changed.ts'), 'after!')
    expect(differences(join(place, 'a'), join(place, 'b'))).toEqual([
      'changed.ts',
      'flk/gone.ts',
      'flk/new.ts',
    ])
  })
})
