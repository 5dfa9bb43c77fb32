import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Browser, chromium } from '../../src/browser.js'
import { type TestRecord, textOf, twinOf } from '../../src/records.js'
import { useSystemInProcess } from '../../src/system.js'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const ACCESS = { user: 'duty', password: 'pässword' }
const system = useSystemInProcess('page', {
  env: {
    ...{ METRICS_USER: ACCESS.user, METRICS_PASS: ACCESS.password },
    RUNBOOK_BASE_URL: 'https://runbooks.example/',
    TRACE_BASE_URL: 'http://jaeger.example:16686/trace',
  },
})
const authorization = `Basic ${Buffer.from(`${ACCESS.user}:${ACCESS.password}`).toString('base64')}`
const traced = { traceparent: `00-${TRACE}-b7ad6b7169203331-01`, 'x-request-id': 'order-17' }
const forged = (record: TestRecord): string => textOf({ ...record, D_hat: 0.8 })
/** Where pictures are put, for whoever wants to see them. */
const { BROWSER_PICTURES: pictures } = process.env

async function pageText(): Promise<string> {
  return (await system().client.get('/', { authorization })).body.toString()
}

describe('the page at /', () => {
  it('asks for user and password as the metrics do', async () => {
    const { client } = system()
    const refused = await client.get('/')
    expect(refused.status).toBe(401)
    expect(refused.headers['www-authenticate']).toMatch(/^Basic realm=/)
    const shown = await client.get('/', { authorization })
    expect([shown.status, shown.headers['cache-control']]).toEqual([200, 'no-store'])
  })

  it('has each log and service with its state, and a runbook for what is down', async () => {
    const { constellation } = system()
    for (const part of ['wal', 'verifier', 'dedup', 'store', 'scoring']) {
      expect(await pageText()).toMatch(new RegExp(`<td>${part}</td><td><span class="state good">up<`))
    }
    await constellation.stopOne('verifier')
    const text = await pageText()
    expect(text).toMatch(/<td>verifier<\/td><td><span class="state bad">down</)
    expect(text).toContain('<a href="https://runbooks.example/backend-down.md">backend-down</a>')
    expect(text).toMatch(/class="state fair" href="\/ready">degraded/)
    await constellation.start('verifier')
    await constellation.untilReady()
  })

  it('has the last refusals by reason: no payload, and no id that nobody vouches for', async () => {
    const { client, records } = system()
    const [bad, first] = [records.next(), records.next()]
    await client.submit(forged(bad), traced)
    await client.submit('{"pcs_id": "<script>alert(1)</script>"}', { 'x-request-id': '<b>bold</b>' })
    await client.submit(textOf(first))
    await client.submit(textOf(twinOf(first)))
    const text = await pageText()
    expect(text).toMatch(/401 <code>unauthenticated<\/code><\/td><td>1<\/td><td>1<\/td>/)
    expect(text).toContain(`<a href="http://jaeger.example:16686/trace/${TRACE}">trace</a>`)
    expect(text).toContain('request <code>order-17</code>')
    expect(text).not.toContain(bad.pcs_id.slice(0, 12))
    expect(text).toMatch(new RegExp(`409 <code>pcs_conflict</code>.*href="/v1/pcs/${first.pcs_id}"`))
    expect(text).not.toMatch(/<script|<b>bold|alert/)
  })

  it('renews itself where that is asked for', async () => {
    const { client } = system()
    expect((await client.get('/?live', { authorization })).headers.refresh).toBe('5')
    expect((await client.get('/', { authorization })).headers.refresh).toBeUndefined()
  })
})

describe.skipIf(chromium === undefined)('the page at / in Chromium', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await Browser.open(chromium ?? '')
    await browser.logIn(ACCESS)
    const { client, records } = system()
    await client.submit(textOf(records.next({ budget: 0.9 })))
  })
  afterAll(() => browser?.close())

  async function show(width: number, scheme: 'light' | 'dark'): Promise<void> {
    await browser.show(`${system().constellation.baseUrl}/`, width, scheme)
    if (pictures === undefined) return
    mkdirSync(pictures, { recursive: true })
    writeFileSync(join(pictures, `home-${width}-${scheme}.png`), await browser.picture())
  }

  it.each([
    [1280, 'light'],
    [390, 'dark'],
  ] as const)('fits into %i pixels, %s', async (width, scheme) => {
    await show(width, scheme)
    expect(await browser.evaluate('document.title')).toBe('Fractal LBA')
    const overflow = 'document.documentElement.scrollWidth - document.documentElement.clientWidth'
    expect(await browser.evaluate<number>(overflow)).toBe(0)
    expect(browser.complaints).toEqual([])
  })

  it('shows plots with lines once there are figures', async () => {
    await expect
      .poll(() => pageText(), { timeout: 15_000, interval: 500 })
      .toMatch(/<path class="accent" d="M[\d.]+ [\d.]+/)
    await show(1280, 'dark')
    const strokes = `[...document.querySelectorAll('.plot path[d]:not([d=""]):not(.grid)')].map((path) => getComputedStyle(path).stroke)`
    const colours = await browser.evaluate<string[]>(strokes)
    expect(new Set(colours).size).toBeGreaterThan(1)
    const labels = `[...document.querySelectorAll('.plot svg')].map((svg) => svg.getAttribute('aria-label'))`
    expect(await browser.evaluate<string[]>(labels)).toHaveLength(4)
    expect(browser.complaints).toEqual([])
  })
})
