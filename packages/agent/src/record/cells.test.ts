import { describe, expect, it } from 'vitest'
import { countCells } from './cells.js'
import { readEvents } from './csv.js'

function cells(rows: string[], scales: number[]): [number, number][] {
  const { points } = readEvents(['timestamp,x,y,z', ...rows].join('\n'))
  return [...countCells(points, scales)]
}

describe('N_j', () => {
  it.each([
    ['no points', [], [2], [[2, 0]]],
    [
      'points of one cell count once',
      ['0,0,0,0', '1,0.4,0.4,0.4', '2,0.5,0,0'],
      [2, 1],
      [
        [2, 2],
        [1, 1],
      ],
    ],
    ['cells are floored, not cut: −0.1 and 0.1 differ', ['0,-0.1,0,0', '1,0.1,0,0'], [1], [[1, 2]]],
    ['−0 is the cell of 0', ['0,-0.0,0,0', '1,0,0,0'], [4], [[4, 1]]],
    ['cells far apart do not run together', ['0,1,11,0', '1,11,1,0'], [1], [[1, 2]]],
    [
      'a scale that repeats has one key',
      ['0,0,0,0'],
      [16, 2, 16],
      [
        [16, 1],
        [2, 1],
      ],
    ],
    ['scales as large as they come', ['0,1e290,0,0', '1,-1e290,0,0'], [2 ** 53 - 1], [[2 ** 53 - 1, 2]]],
  ] satisfies [string, string[], number[], [number, number][]][])('%s', (_, rows, scales, expected) => {
    expect(cells(rows, scales)).toEqual(expected)
  })

  it('are those of a set of texts, for many points', () => {
    const coordinate = (point: number, axis: number): number =>
      Math.sin(point * (axis + 1.7)) * 10 ** (axis - 1)
    const axis = (number: number) =>
      Float64Array.from({ length: 20_000 }, (_, point) => coordinate(point, number))
    const points = { x: axis(0), y: axis(1), z: axis(2) }
    for (const [scale, count] of countCells(points, [1, 4, 64])) {
      const cellsOf = (at: number) =>
        [points.x, points.y, points.z].map((values) => Math.floor((values[at] ?? 0) * scale))
      expect(count).toBe(new Set(Array.from(points.x, (_, at) => String(cellsOf(at)))).size)
    }
  })
})
