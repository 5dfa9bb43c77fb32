import { oneProcessVariant, unaryVariant, unflushedVariant, type Variant } from '@fractal-lba/load'
import { testSite } from '@fractal-lba/local'
import { describe, expect, it, onTestFinished } from 'vitest'
import { repositoryRoot } from '../src/branch.js'
import { textOf } from '../src/records.js'
import { System } from '../src/system.js'

const variants: readonly Variant[] = [
  unaryVariant(repositoryRoot, { channels: 1, callsMax: 8 }),
  oneProcessVariant(),
  unflushedVariant(repositoryRoot),
]

// What the product is measured against must do the same work: each record judged once, its copy replayed.
describe('what the bench compares the product with', () => {
  it.each(variants.map((variant) => [variant.name, variant] as const))('%s', async (name, variant) => {
    const site = await testSite(`bench-${name}`)
    onTestFinished(() => site.dispose())
    const { programs, envIn } = variant
    const system = await System.start(site, name, { programs, env: { ...envIn(site.dataDir) } })
    onTestFinished(() => system.close())
    const { client, records } = system
    const record = textOf(records.next())
    const first = await client.submit(record)
    expect([first.status, first.headers['idempotent-replayed']]).toEqual([200, undefined])
    const again = await client.submit(record)
    expect([again.status, again.headers['idempotent-replayed']]).toEqual([200, 'true'])
    expect(again.body).toEqual(first.body)
  })
})
