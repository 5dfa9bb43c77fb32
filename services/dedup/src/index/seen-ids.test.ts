import { describe, expect, it } from 'vitest'
import { pcsIdOf } from '../testing/verdicts.js'
import { SeenIds } from './seen-ids.js'

describe('seen ids', () => {
  it('are known, and others hardly ever', () => {
    const seen = new SeenIds()
    const names = Array.from({ length: 20_000 }, (_, index) => index)
    for (const name of names) seen.add(pcsIdOf(name))
    expect(names.every((name) => seen.has(pcsIdOf(name)))).toBe(true)
    expect(names.filter((name) => seen.has(pcsIdOf(`other ${name}`)))).toEqual([])
  })
})
