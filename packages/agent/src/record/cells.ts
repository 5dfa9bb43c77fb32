import type { Points } from './csv.js'

/**
 * N_j: for each different scale the number of distinct cells `floor(coordinate · scale)` that the points
 * touch. Keys stand in the order in which the scales first occur.
 */
export function countCells(points: Points, scales: readonly number[]): Map<number, number> {
  const counts = new Map<number, number>()
  for (const scale of scales) {
    if (!counts.has(scale)) counts.set(scale, cellsAt(points, scale))
  }
  return counts
}

function cellsAt({ x, y, z }: Points, scale: number): number {
  const cells = new Set<string>()
  for (let i = 0; i < x.length; i++) {
    // In a template −0 and 0 are the same text, as they are the same cell.
    cells.add(`${cell(x[i], scale)},${cell(y[i], scale)},${cell(z[i], scale)}`)
  }
  return cells.size
}

function cell(coordinate: number | undefined, scale: number): number {
  return Math.floor((coordinate ?? 0) * scale)
}
