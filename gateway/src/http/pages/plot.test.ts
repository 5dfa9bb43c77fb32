import { describe, expect, it } from 'vitest'
import { plot, roundAbove } from './plot.js'

const drawn = (values: readonly (number | undefined)[]) =>
  plot({
    ...{ title: 'Rate <1>', valuesMax: 3, text: (value: number) => `${value}/s` },
    lines: [{ label: 'all', mood: 'accent', values }],
  })

describe('a plot', () => {
  it('goes from zero to a round figure, with the newest value at the right', () => {
    const svg = drawn([0, 20, 40])
    expect(svg).toContain('<path class="accent" d="M0 83L160 51.4L320 19.8"/><circle class="accent" cx="320"')
    expect(svg).toContain('50/s</span></figcaption>')
    expect(svg).toContain('all <b>40/s</b>')
  })

  it('leaves gaps where nothing is known, and its left part empty while there are few values', () => {
    expect(drawn([1, undefined, 1])).toContain('d="M0 4M320 4"')
    expect(drawn([1])).toContain('d="M320 4"')
    const unknown = drawn([1, undefined])
    expect(unknown).not.toContain('<circle')
    expect(unknown).toContain('all <b>–</b>')
  })

  it('says what it shows', () => {
    expect(drawn([5, 2])).toContain('aria-label="Rate &lt;1&gt;. all: now 2/s, at most 5/s"')
    expect(drawn([])).toContain('all: nothing yet')
  })

  it.each([
    [0, 1],
    [0.0004, 0.0005],
    [1, 1],
    [1.1, 2],
    [4.2, 5],
    [51, 100],
    [1_000, 1_000],
  ])('ends above %d at %d', (value, top) => {
    expect(roundAbove(value)).toBeCloseTo(top, 9)
  })
})
