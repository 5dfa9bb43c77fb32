import { describe, expect, it } from 'vitest'
import { httpStatusOf, type Outcome, renderOutcome } from './outcome.js'

const accepted: Outcome = {
  pcsId: 'c248cdf62583c11af721b35007fceb6010132732033c935a650402534a5eaf41',
  accepted: true,
  escalated: false,
  reason: undefined,
  message: undefined,
  recomputedDHat: 0.866733469,
  recomputedBudget: 0.396,
  regime: 'sticky',
  params: 'a8895c936d4d',
}

// Golden: stored outcomes are compared with these bytes for as long as the log is kept. Never change them.
describe('the bytes of a body', () => {
  const cases: [name: string, outcome: Outcome, body: string][] = [
    [
      'accepted',
      accepted,
      '{"pcs_id":"c248cdf62583c11af721b35007fceb6010132732033c935a650402534a5eaf41","accepted":true,"escalated":false,"recomputed_D_hat":0.866733469,"recomputed_budget":0.396,"regime":"sticky","params":"a8895c936d4d"}',
    ],
    [
      'escalated',
      {
        ...accepted,
        accepted: false,
        escalated: true,
        reason: 'd_hat_out_of_tolerance',
        message: 'D̂ is "1.5"\n',
        recomputedDHat: 0,
        recomputedBudget: undefined,
        regime: undefined,
      },
      '{"pcs_id":"c248cdf62583c11af721b35007fceb6010132732033c935a650402534a5eaf41","accepted":false,"escalated":true,"reason":"d_hat_out_of_tolerance","message":"D̂ is \\"1.5\\"\\n","recomputed_D_hat":0,"recomputed_budget":null,"regime":null,"params":"a8895c936d4d"}',
    ],
    [
      'escalated before anything was recomputed',
      {
        ...accepted,
        accepted: false,
        escalated: true,
        reason: 'd_hat_not_computable',
        recomputedDHat: undefined,
        recomputedBudget: undefined,
        regime: undefined,
      },
      '{"pcs_id":"c248cdf62583c11af721b35007fceb6010132732033c935a650402534a5eaf41","accepted":false,"escalated":true,"reason":"d_hat_not_computable","recomputed_D_hat":null,"recomputed_budget":null,"regime":null,"params":"a8895c936d4d"}',
    ],
    [
      'numbers at their edges',
      { ...accepted, recomputedDHat: 1e-9, recomputedBudget: 1 },
      '{"pcs_id":"c248cdf62583c11af721b35007fceb6010132732033c935a650402534a5eaf41","accepted":true,"escalated":false,"recomputed_D_hat":1e-9,"recomputed_budget":1,"regime":"sticky","params":"a8895c936d4d"}',
    ],
  ]
  it.each(cases)('%s', (_name, outcome, body) => {
    expect(renderOutcome(outcome)).toBe(body)
  })

  it('do not depend on the order in which an outcome was put together, nor on what else it holds', () => {
    const reversed = { ...Object.fromEntries(Object.entries(accepted).reverse()), ...accepted, more: 1 }
    expect(renderOutcome(reversed)).toBe(renderOutcome(accepted))
  })
})

it.each([
  [true, false, 200],
  [true, true, 202],
  [false, true, 202],
])('accepted %s and escalated %s is %i', (isAccepted, escalated, status) => {
  expect(httpStatusOf({ accepted: isAccepted, escalated })).toBe(status)
})
