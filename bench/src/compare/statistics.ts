export interface Quartiles {
  readonly q1: number
  readonly median: number
  readonly q3: number
}

/** Between two values it goes in a straight line, as most tools do. NaN of nothing. */
export function quartilesOf(values: readonly number[]): Quartiles {
  const sorted = [...values].sort((a, b) => a - b)
  return { q1: at(sorted, 0.25), median: at(sorted, 0.5), q3: at(sorted, 0.75) }
}

/** The ratios of windows that belong to one round. @throws RangeError where one has no partner. */
export function pairedRatios(measured: readonly number[], reference: readonly number[]): number[] {
  if (measured.length !== reference.length) throw new RangeError('a window has no partner')
  return measured.map((value, round) => value / (reference[round] ?? Number.NaN))
}

function at(sorted: readonly number[], share: number): number {
  const place = (sorted.length - 1) * share
  const below = sorted[Math.floor(place)] ?? Number.NaN
  const above = sorted[Math.ceil(place)] ?? Number.NaN
  return below + (above - below) * (place - Math.floor(place))
}
