import { escapeHtml } from './layout.js'

export interface Line {
  readonly label: string
  /** A class of the style sheet: its colour. */
  readonly mood: 'accent' | 'good' | 'fair' | 'bad' | 'quiet'
  /** The oldest first; undefined leaves a gap. */
  readonly values: readonly (number | undefined)[]
}

export interface Plot {
  readonly title: string
  readonly lines: readonly Line[]
  /** How many values the width has; fewer leave its left part empty. */
  readonly valuesMax: number
  /** A value with its unit. */
  readonly text: (value: number) => string
}

const WIDTH = 320
const HEIGHT = 84
const TOP = 4

/** A small plot as inline SVG: from zero to a round figure above the highest value. */
export function plot({ title, lines, valuesMax, text }: Plot): string {
  const known = lines.flatMap(({ values }) => values.filter((value) => value !== undefined))
  const top = roundAbove(Math.max(0, ...known))
  const paths = lines.map((line) => drawn(line, valuesMax, top)).join('')
  const now = lines.map(({ label, mood, values }) => {
    const value = values.at(-1)
    return `<span><i class="${mood}"></i>${escapeHtml(label)} <b>${value === undefined ? '–' : escapeHtml(text(value))}</b></span>`
  })
  const spoken = lines.map(({ label, values }) => spokenOf(label, values, text)).join('; ')
  return `<figure class="plot"><figcaption>${escapeHtml(title)}<span class="quiet">${escapeHtml(text(top))}</span></figcaption>
<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeHtml(`${title}. ${spoken}`)}"><path class="grid" d="M0 ${TOP}H${WIDTH}M0 ${(TOP + HEIGHT) / 2}H${WIDTH}M0 ${HEIGHT - 1}H${WIDTH}"/>${paths}</svg>
<div class="now">${now.join('')}</div></figure>`
}

/** A line with a dot at its end. */
function drawn({ values, mood }: Line, valuesMax: number, top: number): string {
  const step = WIDTH / Math.max(1, valuesMax - 1)
  let path = ''
  let dot = ''
  let pen = 'M'
  for (const [index, value] of values.entries()) {
    if (value === undefined) {
      pen = 'M'
      dot = ''
      continue
    }
    const x = short(WIDTH - (values.length - 1 - index) * step)
    const y = short(HEIGHT - 1 - (Math.min(value, top) / top) * (HEIGHT - 1 - TOP))
    path += `${pen}${x} ${y}`
    dot = `<circle class="${mood}" cx="${x}" cy="${y}" r="2.5"/>`
    pen = 'L'
  }
  return `<path class="${mood}" d="${path}"/>${dot}`
}

function spokenOf(
  label: string,
  values: readonly (number | undefined)[],
  text: (value: number) => string,
): string {
  const known = values.filter((value) => value !== undefined)
  const last = values.at(-1)
  if (known.length === 0) return `${label}: nothing yet`
  return `${label}: now ${last === undefined ? 'nothing' : text(last)}, at most ${text(Math.max(...known))}`
}

/** 1, 2 or 5 times a power of ten. */
export function roundAbove(value: number): number {
  if (!(value > 0)) return 1
  const power = 10 ** Math.floor(Math.log10(value))
  const factor = [1, 2, 5, 10].find((candidate) => candidate * power >= value * (1 - 1e-9)) ?? 10
  return factor * power
}

function short(value: number): string {
  return String(Math.round(value * 10) / 10)
}
