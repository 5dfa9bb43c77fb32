import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { ed25519PrivateKey } from '@fractal-lba/pcs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Browser, chromium } from '../../src/browser.js'
import { RecordMaker } from '../../src/records.js'
import { useSystemInProcess } from '../../src/system.js'

const SEED = Buffer.alloc(32, 7).toString('base64')
const privateKey = ed25519PrivateKey(SEED)
const system = useSystemInProcess('web-agent', {
  env: { PCS_SIGN_ALG: 'ed25519', PCS_ED25519_PUB_B64: privateKey.publicKey.base64, PCS_HMAC_KEY: undefined },
})

/** A site of somebody who has an agent in a page: the built library as it is, and no bundler. */
function siteOf(record: object): Server {
  const library = (specifier: string): string => fileURLToPath(import.meta.resolve(specifier))
  const roots: Readonly<Record<string, string>> = {
    '/agent/': library('@fractal-lba/agent/web').replace(/web\.js$/, ''),
    '/pcs/': library('@fractal-lba/pcs/canonical').replace(/canonical\.js$/, ''),
    '/noble/': library('@noble/ed25519').replace(/index\.js$/, ''),
  }
  const imports = {
    '@fractal-lba/pcs/canonical': '/pcs/canonical.js',
    '@noble/ed25519': '/noble/index.js',
  }
  const page = `<!doctype html><script type="importmap">${JSON.stringify({ imports })}</script>
    <script type="module">
      import { pcsIdOnWeb, signRecordOnWeb, WebSigningKey } from '/agent/web.js'
      const record = ${JSON.stringify(record)}
      const key = await WebSigningKey.fromBase64('${SEED}')
      const pcs_id = await pcsIdOnWeb(record.merkle_root, record.epoch, record.shard_id)
      window.signed = JSON.stringify(await signRecordOnWeb({ ...record, pcs_id }, key))
    </script>`
  return createServer(({ url = '/' }, response) => {
    const root = Object.keys(roots).find((start) => url.startsWith(start))
    if (root === undefined) {
      response
        .writeHead(url === '/' ? 200 : 404, { 'content-type': 'text/html' })
        .end(url === '/' ? page : '')
      return
    }
    response.writeHead(200, { 'content-type': 'text/javascript' })
    response.end(readFileSync(`${roots[root]}${url.slice(root.length)}`))
  })
}

describe.skipIf(chromium === undefined)('an agent in a real browser', () => {
  let browser: Browser
  let site: Server
  beforeAll(async () => {
    browser = await Browser.open(chromium ?? '')
    const record = new RecordMaker(privateKey, 'web').next()
    site = siteOf({ ...record, pcs_id: '', sig: '' })
    await new Promise<void>((resolve) => {
      site.listen(0, '127.0.0.1', resolve)
    })
  })
  afterAll(async () => {
    await browser?.close()
    site?.close()
  })

  it('signs a record that the verifier takes', async () => {
    await browser.show(`http://127.0.0.1:${(site.address() as AddressInfo).port}/`, 800)
    await expect.poll(() => browser.evaluate('typeof window.signed')).toBe('string')
    const answer = await system().client.submit(await browser.evaluate<string>('window.signed'))
    expect([answer.status, answer.body.toString()]).toEqual([200, expect.stringContaining('"accepted":true')])
    expect(browser.complaints.filter((text) => !text.includes('favicon'))).toEqual([])
  })
})
