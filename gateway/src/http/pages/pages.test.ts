import { hash } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import { ask, requestText } from '../testing/connection.js'
import { type HttpSettings, type HttpUnderTest, startHttp } from '../testing/start-http.js'

let http: HttpUnderTest
afterEach(() => http.close())

const start = async (settings?: HttpSettings): Promise<HttpUnderTest> => {
  http = await startHttp(settings)
  return http
}

/** The address of everything that the page would load or lead to. */
const addressesIn = (html: string): string[] =>
  [...html.matchAll(/(?:href|src)="([^"]*)"/g)].map(([, address = '']) => address)

describe('pages', () => {
  it.each(['/', '/problems', '/problems/unavailable', '/docs'])(
    '%s loads nothing from elsewhere',
    async (path) => {
      const { port } = await start()
      const { headers, body } = await ask(port, requestText('GET', path))
      expect(headers.get('content-type')).toBe('text/html; charset=utf-8')
      const policy = headers.get('content-security-policy') ?? ''
      expect(policy).toMatch(/^default-src 'none'; /)
      expect(policy).not.toMatch(/https?:|\*|unsafe-eval/)
      for (const directive of ["base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"]) {
        expect(policy).toContain(directive)
      }
      const addresses = addressesIn(body)
      expect(addresses.length).toBeGreaterThan(0)
      for (const address of addresses) {
        expect(address).toMatch(/^(?:\/|data:image\/svg)/)
        if (!address.startsWith('/')) continue
        expect((await ask(port, requestText('GET', address))).status, address).toBe(200)
      }
    },
  )

  it.each(['/', '/problems', '/problems/malformed'])(
    '%s runs no script and has its style allowed',
    async (path) => {
      const { port } = await start()
      const { headers, body } = await ask(port, requestText('GET', path))
      expect(body).not.toMatch(/<script|\son[a-z]+=|\sstyle=/)
      const [, style = ''] = /<style>([\s\S]*)<\/style>/.exec(body) ?? []
      expect(style).not.toBe('')
      expect(headers.get('content-security-policy')).toContain(`'sha256-${hash('sha256', style, 'base64')}'`)
    },
  )

  it('the viewer has no script within the page', async () => {
    const { port } = await start()
    const { headers, body } = await ask(port, requestText('GET', '/docs'))
    expect(headers.get('content-security-policy')).toContain("script-src 'self'")
    for (const [, attributes = '', text = ''] of body.matchAll(/<script([^>]*)>([^<]*)<\/script>/g)) {
      expect(attributes).toMatch(/^ src="\/docs\//)
      expect(text).toBe('')
    }
  })

  it.each([
    { host: 'pcs.example:8443', origin: 'http://pcs.example:8443' },
    { host: '[::1]:8080', origin: 'http://[::1]:8080' },
    { host: '"><script>alert(1)</script>', origin: 'http://localhost:8080' },
    { host: '$(reboot)', origin: 'http://localhost:8080' },
    { host: "x';reboot;'", origin: 'http://localhost:8080' },
  ])('/ shows commands for the host by which it was reached: $host', async ({ host, origin }) => {
    const { port } = await start()
    const { body } = await ask(port, `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
    expect(body).toContain(`<pre tabindex="0">curl -sS ${origin}/v1/pcs/submit`)
    expect(body).not.toMatch(/alert|reboot/)
  })

  it('/ shows https where a proxy says so', async () => {
    const { port } = await start()
    const { body } = await ask(port, requestText('GET', '/', { 'X-Forwarded-Proto': 'https' }))
    expect(body).toContain('curl -sS https://gateway.test/v1/pcs/submit')
  })

  it.each(['ready', 'degraded', 'not_ready'] as const)('/ shows that it is %s', async (status) => {
    const { port } = await start({ ready: () => ({ status, dependencies: {} }) })
    const { body } = await ask(port, requestText('GET', '/'))
    expect(body).toContain(`>${status.replace('_', ' ')}: `)
  })
})
