import { verifier } from '@fractal-lba/proto'
import { expect, it } from 'vitest'
import { BatchSession } from './batch-session.js'
import type { ServedBatches } from './served.js'

it('answers all that it took before it ends, and takes nothing after that', async () => {
  const said: string[] = []
  const answers: (() => void)[] = []
  const method: ServedBatches = {
    ...{ kind: 'batch', definition: verifier.VerifierServiceService.verifyBatches, around: undefined },
    onError: () => undefined,
    handle: (items) =>
      new Promise((resolve) => {
        said.push('taken')
        answers.push(() => resolve(items))
      }),
  }
  const draining = new AbortController()
  const session = new BatchSession(method, draining.signal, {
    respond: ({ batch }) => said.push(`answered ${batch}`),
    end: () => said.push('ended'),
    fail: () => said.push('failed'),
  })
  session.receive({ batch: 1, items: ['a'], contexts: [] })
  draining.abort()
  session.receive({ batch: 2, items: ['b'], contexts: [] })
  for (const answer of answers) answer()
  await expect.poll(() => said).toContain('ended')
  session.receive({ batch: 3, items: ['c'], contexts: [] })
  expect(said).toEqual(['taken', 'taken', 'answered 1', 'answered 2', 'ended'])
})
