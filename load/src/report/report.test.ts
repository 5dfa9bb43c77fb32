import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Sample } from '../run/sampler.js'
import { difference } from './difference.js'
import { fullReport } from './full-report.js'
import { keepInHistory } from './history.js'
import { renderMarkdown } from './markdown.js'
import { renderPage } from './page.js'
import { niceAbove } from './plot.js'
import { isSound, processFigures, type RunReport } from './report.js'

function sampleAt(second: number, memory: number): Sample {
  return {
    ...{ second, perSecond: 100, p50Ms: 2, p95Ms: 8, p99Ms: 12, answers: { 200: 99, 503: 1 } },
    ...{
      cpu: { gateway: 0.5 },
      memoryMiB: { gateway: memory },
      descriptors: { gateway: 20 },
      queues: { Append: 1 },
    },
  }
}

const samples = Array.from({ length: 100 }, (_, index) => sampleAt(index + 1, 100 + index))
const report: RunReport = {
  ...{
    run: 'baseline',
    isWhole: true,
    seconds: undefined,
    scale: 1,
    oneProcess: false,
    startedAt: '2026-11-28T12:00:00.000Z',
  },
  ...{ commit: '0123456789', tool: 'k6 v1.8.1', target: 'a product started here', elapsedMs: 100_000 },
  machine: {
    ...{ cpu: 'a <CPU>', cores: 2, memoryGiB: 8, node: '20.20.0', kernel: 'Linux 6', fileSystem: 'ext4' },
    loadBefore: 0.1,
  },
  ...{
    submissions: 10_000,
    latency: { p50Ms: 2, p95Ms: 8, p99Ms: 12, maxMs: 30 },
    shares: { errors: 0.001 },
  },
  ...{ answers: { 200: 9_990, 503: 10 }, kinds: { new: 10_000 } },
  gates: [{ name: 'errors', limit: 'rate<0.01', holds: true }],
  account: [{ what: 'appended', sent: 1, seen: 1, agrees: true }],
  ...{ parts: [], seen: [], samples, processes: processFigures(samples, 10_000) },
}

describe('a report', () => {
  it('says what a process took, and whether its memory grows', () => {
    expect(processFigures(samples, 10_000)).toEqual([
      {
        ...{ name: 'gateway', cpuUsPerSubmission: expect.closeTo(5_000), coresMean: 0.5 },
        ...{ memoryMiBMax: 199, descriptorsMax: 20, memoryGrowth: expect.closeTo(187 / 137) },
      },
    ])
  })

  it('is sound where every gate held and everything is accounted for', () => {
    expect(isSound(report)).toBe(true)
    expect(isSound({ ...report, gates: [{ name: 'errors', limit: '', holds: false }] })).toBe(false)
    expect(isSound({ ...report, account: [{ what: '', sent: 1, seen: 0, agrees: false }] })).toBe(false)
  })

  it('becomes a page that needs nothing from elsewhere and runs nothing', () => {
    const page = renderPage(report, [])
    expect(page).not.toMatch(/<script|https?:\/\/|src=|@import|NaN/)
    expect(page).toContain('a &#60;CPU&#62;')
    expect(page).not.toContain('p95 of runs')
    for (const title of [
      'Latency at the gateway',
      'Throughput',
      'Answers by status',
      'CPU',
      'Memory',
      'What waits',
    ])
      expect(page).toContain(`<figcaption>${title}`)
    const bad = renderPage({ ...report, account: [{ what: 'lost', sent: 2, seen: 1, agrees: false }] }, [])
    expect(bad).toContain('NOT SOUND')
    expect(bad).toContain('DIFFERS')
  })

  it('becomes Markdown that names what did not hold', () => {
    expect(renderMarkdown(report)).toContain('| answers | 200 9,990, 503 10 |')
    const account = [{ what: 'lost', sent: 2, seen: 1, agrees: false }]
    expect(renderMarkdown({ ...report, account })).toContain('**differs**: lost: 2 sent, 1 seen')
  })
})

describe('the full report', () => {
  it('has the last whole run of each profile, and says which there is none of', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'fractal-lba-full-report-'))
    onTestFinished(() => rm(directory, { recursive: true }))
    await writeFile(join(directory, 'baseline.json'), JSON.stringify(report))
    await writeFile(
      join(directory, 'burst.json'),
      JSON.stringify({ ...report, run: 'burst', isWhole: false }),
    )
    const text = await fullReport(directory)
    expect(text).toContain('## baseline (whole)')
    expect(text).toContain('| submissions | 10,000 in 100 s: 100/s |')
    for (const name of ['burst', 'steady', 'soak', 'ghz', 'capacity'])
      expect(text).toContain(`## ${name}\n\nNot run as a whole yet`)
  })
})

describe('the history', () => {
  it('keeps each run', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'fractal-lba-history-'))
    onTestFinished(() => rm(directory, { recursive: true }))
    const file = join(directory, 'history.csv')
    await keepInHistory(file, report)
    const all = await keepInHistory(file, { ...report, isWhole: false, seconds: 60, scale: 0.5 })
    expect(all).toEqual([
      expect.objectContaining({ run: 'baseline', form: 'whole', p95Ms: 8, perSecond: 100, sound: true }),
      expect.objectContaining({ form: '60 s x 0.5', cpuUsPerSubmission: 5_000 }),
    ])
  })
})

describe('two reports beside each other', () => {
  it('differ by ratios, below 1 where it is worse', () => {
    const { markdown, isWorse } = difference([report], [report])
    expect(isWorse).toBe(false)
    expect(markdown).toContain('| p95, ms | 8 | 8 | 1.00 |')
  })

  it.each<[string, Partial<RunReport>, string]>([
    ['slower', { latency: { ...report.latency, p99Ms: 14 } }, '| p99, ms | 12 | 14 | 0.86 **worse** |'],
    ['fewer', { submissions: 8_000 }, '| submissions a second | 100 | 80 | 0.80 **worse** |'],
    ['not sound', { account: [{ what: 'lost', sent: 2, seen: 1, agrees: false }] }, 'not accounted for'],
  ])('are worse where the later one is %s', (_, change, line) => {
    const { markdown, isWorse } = difference([report], [{ ...report, ...change }])
    expect(isWorse).toBe(true)
    expect(markdown).toContain(line)
  })

  it('are not worse for a gate that did not hold before either', () => {
    const unsound = { ...report, gates: [{ name: 'p95', limit: '', holds: false }] }
    expect(difference([unsound], [unsound]).isWorse).toBe(false)
    expect(difference([report, unsound], [unsound, unsound]).isWorse).toBe(true)
  })

  it('are pairs, and the median of their ratios counts', () => {
    const [slow, slower] = [2, 8].map((p50Ms) => ({ ...report, latency: { ...report.latency, p50Ms } }))
    if (!slow || !slower) throw new Error('there are two')
    const { markdown, isWorse } = difference([slow, slow, slow], [slow, slower, slow])
    expect([isWorse, markdown]).toEqual([false, expect.stringContaining('| p50, ms | 2 | 2 | 1.00 |')])
    expect(() => difference([slow, slow], [slow])).toThrow('no pairs')
  })

  it('are of one profile and one form', () => {
    expect(() => difference([report], [{ ...report, run: 'burst' }])).toThrow('do not compare')
    expect(() => difference([report], [{ ...report, isWhole: false, seconds: 60 }])).toThrow('do not compare')
  })
})

it('divides an axis at round figures', () => {
  expect([0.3, 1, 7, 24, 130, 999].map(niceAbove)).toEqual([0.5, 1, 10, 25, 200, 1_000])
})
