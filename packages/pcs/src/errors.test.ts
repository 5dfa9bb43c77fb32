import { describe, expect, it } from 'vitest'
import { MalformedRecord, pointerTo } from './errors.js'

describe('pointerTo', () => {
  it.each([
    ['8', '/N_j/8'],
    ['', '/N_j/'],
    ['a/b~c', '/N_j/a~1b~0c'],
    ['a\r\nlevel=error "', '/N_j/a%0D%0Alevel%3Derror%20%22'],
    ['\u001b[31m', '/N_j/%1B%5B31m'],
    ['é', '/N_j/%C3%A9'],
    ['\u202e', '/N_j/%E2%80%AE'],
    ['🚀', '/N_j/%F0%9F%9A%80'],
    ['%41', '/N_j/%2541'],
    ["<script>'`\\", '/N_j/%3Cscript%3E%27%60%5C'],
    ['\u007f\0', '/N_j/%7F%00'],
    ['__proto__', '/N_j/__proto__'],
  ])('%j', (key, pointer) => {
    expect(pointerTo('/N_j', key)).toBe(pointer)
  })

  it.each([
    ['1'.repeat(123), `/N_j/${'1'.repeat(123)}`],
    ['1'.repeat(124), `/N_j/${'1'.repeat(120)}...`],
    ['é'.repeat(60_000), `/N_j/${'%C3%A9'.repeat(20)}...`],
    [`${'1'.repeat(119)}~~~~`, `/N_j/${'1'.repeat(119)}...`],
  ])('cuts what is longer than 128 characters between two of the key (%#)', (key, pointer) => {
    expect(pointerTo('/N_j', key)).toBe(pointer)
    expect(pointer.length).toBeLessThanOrEqual(128)
  })
})

describe('MalformedRecord', () => {
  it('tells at most 100 errors', () => {
    const errors = Array.from({ length: 101 }, (_, i) => ({ pointer: `/${i}`, detail: 'is wrong' }))
    expect(new MalformedRecord(errors).errors).toEqual(errors.slice(0, 100))
  })

  it('says how many', () => {
    expect(new MalformedRecord([{ pointer: '/a', detail: 'is wrong' }]).message).toBe(
      'malformed record: 1 error',
    )
  })
})
