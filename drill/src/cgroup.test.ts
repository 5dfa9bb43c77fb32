import { expect, it } from 'vitest'
import { controllerOf } from './cgroup.js'

it.each([
  ['memory', 91_234_307.7, /^91234308$/],
  ['cpu', 0.010_004, /^1000( 100000)?$/],
] as const)('a limit of %s is a whole number, whatever share it is', (kind, amount, text) => {
  expect(controllerOf(kind).text(amount)).toMatch(text)
})
