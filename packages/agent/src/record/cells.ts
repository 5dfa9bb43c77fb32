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

/**
 * Distinct cells by a table of numbers: each slot names the first point of a cell, counted from 1, whose cell is
 * computed again to compare. A set of texts would take a hundred bytes for each cell.
 */
function cellsAt({ x, y, z }: Points, scale: number): number {
  const slots = new Uint32Array(tableLength(x.length))
  const mask = slots.length - 1
  let distinct = 0
  for (let i = 0; i < x.length; i++) {
    const cx = cell(x[i], scale)
    const cy = cell(y[i], scale)
    const cz = cell(z[i], scale)
    for (let slot = hashOf(cx, cy, cz) & mask; ; slot = (slot + 1) & mask) {
      const point = slots[slot] ?? 0
      if (point === 0) {
        slots[slot] = i + 1
        distinct += 1
        break
      }
      const j = point - 1
      if (cell(x[j], scale) === cx && cell(y[j], scale) === cy && cell(z[j], scale) === cz) break
    }
  }
  return distinct
}

/** A power of two, so that at least half of the slots stay empty. */
function tableLength(points: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, 2 * points)))
}

/** −0 and 0 are the same cell. */
function cell(coordinate: number | undefined, scale: number): number {
  return Math.floor((coordinate ?? 0) * scale) + 0
}

const hashed = new Float64Array(3)
const words = new Int32Array(hashed.buffer)

function hashOf(cx: number, cy: number, cz: number): number {
  hashed[0] = cx
  hashed[1] = cy
  hashed[2] = cz
  let hash = 0
  for (let word = 0; word < words.length; word++) {
    hash = Math.imul(hash ^ (words[word] ?? 0), 0x9e3779b1)
    hash ^= hash >>> 15
  }
  return hash
}
