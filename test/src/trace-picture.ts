import type { Trace } from './collector.js'
import type { ReceivedSpan } from './otlp.js'

const ROW_PX = 24
const LABELS_PX = 300
const BARS_PX = 560
const TIMES_PX = 90
const INDENT_PX = 14
const WIDTH_PX = LABELS_PX + BARS_PX + TIMES_PX
const COLOURS: Readonly<Record<string, string>> = {
  gateway: '#3b6fb6',
  wal: '#2f8f6b',
  verifier: '#8a5bb0',
  'signal-scoring': '#b07a2e',
  dedup: '#357f94',
}
const OTHER_COLOUR = '#666666'
const ERROR_COLOUR = '#c23b3b'

/** A trace as a waterfall, as Jaeger's page has it: SVG, the same for the same trace. */
export function pictureOf({ spans }: Trace, title: string): string {
  const rows = inOrder(spans)
  const startMs = Math.min(...spans.map((span) => span.startMs))
  const totalMs = Math.max(...spans.map((span) => span.endMs)) - startMs
  const heightPx = (rows.length + 2) * ROW_PX
  const lines = rows.flatMap(({ span, depth }, row) => {
    const yPx = (row + 2) * ROW_PX
    const xPx = LABELS_PX + ((span.startMs - startMs) / totalMs) * BARS_PX
    const widthPx = Math.max(2, ((span.endMs - span.startMs) / totalMs) * BARS_PX)
    const colour = span.isError ? ERROR_COLOUR : (COLOURS[span.service] ?? OTHER_COLOUR)
    const label = `${span.service}  ${span.name}${span.isError ? '  (error)' : ''}`
    return [
      `<text x="${8 + depth * INDENT_PX}" y="${yPx - 8}" fill="${colour}">${escaped(label)}</text>`,
      `<rect x="${px(xPx)}" y="${yPx - 18}" width="${px(widthPx)}" height="12" rx="2" fill="${colour}"/>`,
      `<text x="${LABELS_PX + BARS_PX + 10}" y="${yPx - 8}">${(span.endMs - span.startMs).toFixed(2)} ms</text>`,
    ]
  })
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH_PX} ${heightPx}" font-family="sans-serif" font-size="12">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${WIDTH_PX}" height="${heightPx}" fill="#ffffff"/>`,
    `<text x="8" y="20" font-weight="bold">${escaped(title)}</text>`,
    ...lines,
    '</svg>',
    '',
  ].join('\n')
}

interface Row {
  readonly span: ReceivedSpan
  readonly depth: number
}

/** Each span above its children, and these by their beginning. */
function inOrder(spans: readonly ReceivedSpan[]): readonly Row[] {
  const ids = new Set(spans.map(({ spanId }) => spanId))
  const below = (parentSpanId: string, depth: number): Row[] =>
    spans
      .filter((span) =>
        parentSpanId === '' ? !ids.has(span.parentSpanId) : span.parentSpanId === parentSpanId,
      )
      .sort((one, other) => one.startMs - other.startMs)
      .flatMap((span) => [{ span, depth }, ...below(span.spanId, depth + 1)])
  return below('', 0)
}

function px(value: number): string {
  return value.toFixed(1)
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
