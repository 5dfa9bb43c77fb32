import { expect, it } from 'vitest'
import { defaultParameters, parametersHash } from './params.js'

it('has the defaults of the contract, under a name that stays', () => {
  expect(defaultParameters).toEqual({
    tolD: 0.15,
    tolCoh: 0.05,
    tolBudget: 0.01,
    tolR: 0,
    alpha: 0.3,
    beta: 0.5,
    gamma: 0.2,
    base: 0.1,
    d0: 2.2,
  })
  expect(parametersHash(defaultParameters)).toBe('a8895c936d4d')
})

it('names equal sets alike, whatever the order of their keys and the sign of their zeros', () => {
  const reversed = {
    ...defaultParameters,
    ...Object.fromEntries(Object.entries(defaultParameters).reverse()),
  }
  expect(parametersHash({ ...reversed, tolR: -0 })).toBe(parametersHash(defaultParameters))
})

it.each(Object.keys(defaultParameters) as (keyof typeof defaultParameters)[])(
  'tells sets apart by %s',
  (name) => {
    const changed = { ...defaultParameters, [name]: defaultParameters[name] + 1e-9 }
    expect(parametersHash(changed)).not.toBe(parametersHash(defaultParameters))
  },
)
