import { describe, expect, it } from 'vitest'
import { coherence } from './coherence.js'
import { readEvents } from './csv.js'
import { GaussianSource } from './gaussian.js'

const pointsOf = (...rows: string[]) => readEvents(['timestamp,x,y,z', ...rows].join('\n')).points

function firstDirection(seed: number): number[] {
  const source = new GaussianSource(seed)
  const [x, y, z] = [source.next(), source.next(), source.next()]
  const length = Math.sqrt(x * x + y * y + z * z)
  return [x / length, y / length, z / length]
}

describe('coh★ and v★', () => {
  it('are 0 and a zero vector without points', () => {
    expect(coherence(pointsOf(), 42)).toEqual({ cohStar: 0, vStar: [0, 0, 0] })
  })

  it('without spread are 1 and the first direction of the seed', () => {
    const found = coherence(pointsOf('0,1,1,1', '1,1,1,1'), 7)
    expect(found).toEqual({ cohStar: 1, vStar: firstDirection(7) })
  })

  it('count points closer than 1e-9 as one place', () => {
    expect(coherence(pointsOf('0,0,0,0', '1,4e-10,0,0'), 1).cohStar).toBe(1)
    expect(coherence(pointsOf('0,0,0,0', '1,1e-3,0,0'), 1).cohStar).toBe(0.5)
  })

  it.each([
    ['the maximum', 1],
    ['the minimum', -1],
  ])('count %s in, and round to nine decimals', (_, x) => {
    const seed = 1
    expect(firstDirection(seed)[0]).toBeGreaterThan(0)
    const found = coherence(pointsOf('0,0,0,0', `1,${x},0,0`, `2,${x},0,0`), seed)
    expect(found).toEqual({ cohStar: 0.666666667, vStar: firstDirection(seed) })
  })
})
