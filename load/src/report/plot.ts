/** A curve: points of x and y in order; null is a gap. */
export interface Curve {
  readonly name: string
  readonly points: readonly (readonly [number, number | null])[]
}

export interface Plot {
  readonly title: string
  readonly unit: string
  readonly curves: readonly Curve[]
  /** Marked on the vertical axis: what must not be exceeded. */
  readonly limit?: number
  /** What stands below the horizontal axis at a value; seconds unless told otherwise. */
  readonly xText?: (x: number) => string
  readonly hasDots?: boolean
  /** Stretches between the texts below the horizontal axis. */
  readonly xStretches?: number
}

const WIDTH = 640
const HEIGHT = 240
const MARGIN = { left: 56, right: 12, top: 10, bottom: 26 }
/** More cannot be told apart on the width of a plot. */
const POINTS_MAX = 500
const TICKS = 4
/** Colours of a style sheet: plot-0 to plot-7. */
const COLOURS = 8

/** A plot as a figure of HTML with an SVG in it; no script, nothing from elsewhere. Empty where nothing was seen. */
export function renderPlot({
  title,
  unit,
  curves,
  limit,
  xText = clock,
  hasDots = false,
  xStretches = TICKS,
}: Plot): string {
  const shown = curves.map(({ name, points }) => ({ name, points: thinned(points) }))
  const all = shown.flatMap(({ points }) => points)
  const values = all.flatMap(([, y]) => (y === null ? [] : [y]))
  if (values.length === 0) return ''
  const [xMin, xMax] = [Math.min(...all.map(([x]) => x)), Math.max(...all.map(([x]) => x))]
  const yMax = niceAbove(Math.max(...values, 1e-9))
  const toX = (x: number): number =>
    MARGIN.left + ((x - xMin) / (xMax - xMin || 1)) * (WIDTH - MARGIN.left - MARGIN.right)
  const toY = (y: number): number =>
    HEIGHT - MARGIN.bottom - (y / yMax) * (HEIGHT - MARGIN.top - MARGIN.bottom)
  // One point alone has no range to divide.
  const xSteps =
    xMax === xMin ? [0] : Array.from({ length: xStretches + 1 }, (_, index) => index / xStretches)
  const steps = Array.from({ length: TICKS + 1 }, (_, index) => index / TICKS)
  const parts = [
    ...steps.map((share) => {
      const y = toY(share * yMax).toFixed(1)
      return `<path class="grid" d="M${MARGIN.left} ${y}H${WIDTH - MARGIN.right}"/><text x="${MARGIN.left - 6}" y="${y}" dy="0.32em" text-anchor="end">${figureText(share * yMax)}</text>`
    }),
    ...xSteps.map((share, index) => {
      const x = xMin + share * (xMax - xMin)
      const anchor = index === 0 ? 'start' : index === xStretches ? 'end' : 'middle'
      return `<text x="${toX(x).toFixed(1)}" y="${HEIGHT - 8}" text-anchor="${anchor}">${escapeHtml(xText(x))}</text>`
    }),
    ...(limit !== undefined && limit <= yMax
      ? [`<path class="limit" d="M${MARGIN.left} ${toY(limit).toFixed(1)}H${WIDTH - MARGIN.right}"/>`]
      : []),
    ...shown.map(({ points }, index) => {
      const line = `<path class="curve plot-${index % COLOURS}" d="${pathOf(points, toX, toY)}"/>`
      const dots = hasDots
        ? points.map(([x, y]) =>
            y === null
              ? ''
              : `<circle class="dot plot-${index % COLOURS}" cx="${toX(x).toFixed(1)}" cy="${toY(y).toFixed(1)}" r="3"/>`,
          )
        : []
      return line + dots.join('')
    }),
  ]
  const legend = shown
    .map(({ name, points }, index) => {
      const highest = Math.max(...points.flatMap(([, y]) => (y === null ? [] : [y])))
      const most = Number.isFinite(highest) ? ` <small>max ${figureText(highest)}</small>` : ''
      return `<li><i class="plot-${index % COLOURS}"></i>${escapeHtml(name)}${most}</li>`
    })
    .join('')
  const label = `${title}: ${shown.map(({ name }) => name).join(', ')}`
  return `<figure><figcaption>${escapeHtml(title)} <small>${escapeHtml(unit)}</small></figcaption><svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeHtml(label)}">${parts.join('')}</svg><ul class="legend">${legend}</ul></figure>`
}

/** Of each stretch the highest value: a peak is not lost. */
function thinned(points: Curve['points']): Curve['points'] {
  if (points.length <= POINTS_MAX) return points
  const stretch = Math.ceil(points.length / POINTS_MAX)
  return Array.from({ length: Math.ceil(points.length / stretch) }, (_, index) => {
    const part = points.slice(index * stretch, (index + 1) * stretch)
    const values = part.flatMap(([, y]) => (y === null ? [] : [y]))
    return [part[0]?.[0] ?? 0, values.length === 0 ? null : Math.max(...values)] as const
  })
}

function pathOf(points: Curve['points'], toX: (x: number) => number, toY: (y: number) => number): string {
  let isDrawing = false
  return points
    .map(([x, y]) => {
      if (y === null) {
        isDrawing = false
        return ''
      }
      const command = isDrawing ? 'L' : 'M'
      isDrawing = true
      return `${command}${toX(x).toFixed(1)} ${toY(y).toFixed(1)}`
    })
    .join('')
}

/** 1, 2, 2.5 or 5 times a power of ten, and not below the value. */
export function niceAbove(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value))
  const factor = [1, 2, 2.5, 5, 10].find((step) => step * power >= value * 0.999) ?? 10
  return factor * power
}

export function figureText(value: number): string {
  if (value === 0) return '0'
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en-US')
  return String(Number(value.toPrecision(3)))
}

/** Seconds as minutes and seconds. */
function clock(seconds: number): string {
  const whole = Math.round(seconds)
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`
}

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
