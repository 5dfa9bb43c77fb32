import { createRegistry } from '@fractal-lba/runtime'
import { describe, expect, it } from 'vitest'
import { SubmissionMetrics } from './submission-metrics.js'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const context = (flags: string) => ({ traceparent: `00-${TRACE}-b7ad6b7169203331-${flags}`, tracestate: '' })

const started = () => {
  const registry = createRegistry('gateway')
  return { registry, metrics: new SubmissionMetrics(registry) }
}

describe('the metrics of submissions', () => {
  it('are there before the first submission, so that no rate misses it', async () => {
    const { registry, metrics } = started()
    for (const text of [await registry.metrics(), await metrics.exemplars.metrics()]) {
      expect(text).toContain('flk_submissions_total{front="http",code="503"} 0')
      expect(text).toContain('flk_submission_duration_seconds_count{front="grpc"} 0')
    }
  })

  it('count each by its front and status, and time what was complete', async () => {
    const { registry, metrics } = started()
    metrics.answered('http', 200, 30)
    metrics.answered('grpc', 503, 2_000)
    metrics.answered('http', 413)
    for (const text of [await registry.metrics(), await metrics.exemplars.metrics()]) {
      expect(text).toContain('flk_submissions_total{front="http",code="200"} 1')
      expect(text).toContain('flk_submissions_total{front="grpc",code="503"} 1')
      expect(text).toContain('flk_submissions_total{front="http",code="413"} 1')
      expect(text).toContain('flk_submission_duration_seconds_bucket{le="0.05",front="http"} 1')
      expect(text).toContain('flk_submission_duration_seconds_sum{front="grpc"} 2')
      expect(text).toContain('flk_submission_duration_seconds_count{front="http"} 1')
    }
  })

  it('show the trace of a sampled submission as exemplar, in OpenMetrics alone', async () => {
    const { registry, metrics } = started()
    metrics.answered('http', 409, 30, context('01'))
    const shown = await metrics.exemplars.metrics()
    expect(shown).toMatch(
      new RegExp(`^flk_submissions_total\\{front="http",code="409"\\} 1 # \\{trace_id="${TRACE}"\\} 1 `, 'm'),
    )
    expect(shown).toMatch(
      new RegExp(`_bucket\\{le="0.05",front="http"\\} 1 # \\{trace_id="${TRACE}"\\} 0.03 `),
    )
    expect(shown.endsWith('# EOF\n')).toBe(true)
    expect(await registry.metrics()).not.toContain('trace_id')
    expect(registry.contentType).toContain('version=0.0.4')
  })

  it.each([undefined, context('00'), context('02'), { traceparent: '', tracestate: '' }])(
    'have no exemplar of one that is not sampled: %j',
    async (unsampled) => {
      const { metrics } = started()
      metrics.answered('http', 200, 30, unsampled)
      expect(await metrics.exemplars.metrics()).not.toContain('trace_id')
    },
  )
})
