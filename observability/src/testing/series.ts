/** How a series goes, a sample a step: a gauge's value, a counter's growth in a step, nothing, or the time of now. */
export type Pattern =
  | { readonly gauge: number }
  | { readonly growth: number }
  | { readonly now: true }
  | { readonly absent: true }

export const gauge = (value: number): Pattern => ({ gauge: value })
export const growth = (perStep: number): Pattern => ({ growth: perStep })
export const now: Pattern = { now: true }
export const absent: Pattern = { absent: true }

/** So many steps in one way, then so many in the other: the values in promtool's notation. */
export function valuesText(
  first: { readonly pattern: Pattern; readonly steps: number },
  second: { readonly pattern: Pattern; readonly steps: number },
  stepSeconds: number,
): string {
  const reached = 'growth' in first.pattern ? first.pattern.growth * first.steps : 0
  return [
    stretch(first.pattern, { from: 0, samples: first.steps + 1, reached: 0, stepSeconds }),
    stretch(second.pattern, { from: first.steps + 1, samples: second.steps, reached, stepSeconds }),
  ].join(' ')
}

function stretch(
  pattern: Pattern,
  at: {
    readonly from: number
    readonly samples: number
    readonly reached: number
    readonly stepSeconds: number
  },
): string {
  const { from, samples, reached, stepSeconds } = at
  const more = samples - 1
  if ('absent' in pattern) return `_x${samples}`
  if ('gauge' in pattern) return `${pattern.gauge}x${more}`
  if ('now' in pattern) return `${from * stepSeconds}+${stepSeconds}x${more}`
  const start = from === 0 ? 0 : reached + pattern.growth
  return `${start}+${pattern.growth}x${more}`
}
