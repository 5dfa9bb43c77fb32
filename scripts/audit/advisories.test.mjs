import { expect, it } from 'vitest'
import { advisoriesOf } from './advisories.mjs'

const found = (/** @type {string} */ severity) => ({
  name: 'x',
  severity,
  range: '<2',
  via: [{ title: 'It leaks' }, 'y'],
})

it('tells grave advisories from others', () => {
  const vulnerabilities = { x: found('high'), y: found('critical'), z: found('moderate') }
  expect(advisoriesOf(JSON.stringify({ vulnerabilities }))).toEqual({
    grave: ['x <2: high (It leaks)', 'x <2: critical (It leaks)'],
    others: ['x <2: moderate (It leaks)'],
  })
})

it('takes an error of the registry for no answer', () => {
  expect(advisoriesOf('{"message":"405 Method Not Allowed","error":{}}')).toBeUndefined()
  expect(advisoriesOf('npm error')).toBeUndefined()
})
