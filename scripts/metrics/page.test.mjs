import { describe, expect, it } from 'vitest'
import { metricsPage } from './page.mjs'

const metric = (/** @type {string} */ name, /** @type {string[]} */ labels = []) => ({
  ...{ name, labels },
  type: 'counter',
  help: `What ${name} counts | by hand.`,
})

describe('the page of all metrics', () => {
  const page = metricsPage(
    new Map([
      ['wal', [metric('wal_b'), metric('wal_a', ['code', 'front']), metric('hops'), metric('cpu')]],
      ['gateway', [metric('cpu'), metric('hops')]],
      ['agent', [metric('cpu')]],
    ]),
  )

  it('names each metric once, in the section of all that have it', () => {
    const sections = page.split('\n## ').slice(1)
    const names = sections.map((text) => [...text.matchAll(/^\| `(\w+)`/gm)].map(([, name]) => name))
    expect(sections.map((text) => text.slice(0, text.indexOf('\n')))).toEqual([
      'Every process',
      'Gateway and every service',
      'wal',
    ])
    expect(names).toEqual([['cpu'], ['hops'], ['wal_a', 'wal_b']])
  })

  it('has type, labels and meaning of each', () => {
    expect(page).toContain('| `wal_a` | counter | `code`, `front` | What wal_a counts \\| by hand. |')
    expect(page).toContain('| `wal_b` | counter | – |')
  })
})
