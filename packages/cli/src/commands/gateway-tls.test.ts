import { readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:https'
import { join } from 'node:path'
import { smallRecordBytes, TemporaryFolders, verdictOn } from '@fractal-lba/agent/testing'
import { parseRecord } from '@fractal-lba/pcs'
import { type CertificateFiles, makeCertificates } from '@fractal-lba/test-servers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { closeNow, listenHere } from '../testing/local-server.js'
import { runPcs } from '../testing/run-pcs.js'

const folders = new TemporaryFolders()
const record = smallRecordBytes(1)
const verdict = verdictOn(parseRecord(record).pcs_id)
let certificates: CertificateFiles
let server: Server
let endpoint = ''

/** A gateway that wants a certificate of its clients. */
beforeAll(async () => {
  certificates = await makeCertificates('127.0.0.1')
  const { ca, cert, key } = certificates
  const read = (path: string): string => readFileSync(path, 'utf8')
  const tls = { ca: read(ca), cert: read(cert), key: read(key), requestCert: true, rejectUnauthorized: true }
  server = createServer(tls, (request, response) => {
    request
      .resume()
      .on('end', () => response.writeHead(200, { 'content-type': 'application/json' }).end(verdict))
  })
  endpoint = `https://${await listenHere(server)}`
})
afterAll(() => {
  closeNow(server)
  certificates.remove()
  folders.remove()
})

const client = () => ({
  TLS_CA_FILE: certificates.ca,
  TLS_CERT_FILE: certificates.cert,
  TLS_KEY_FILE: certificates.key,
})
const submit = (env: Record<string, string>) =>
  runPcs(['submit', '--in', '-', '--endpoint', endpoint], { env, stdin: record })

describe('pcs by TLS', () => {
  it('believes the authority of TLS_CA_FILE and shows its own certificate', async () => {
    expect(await submit(client())).toMatchObject({ code: 0, err: '' })
  })

  it('sends an outbox the same way', async () => {
    const directory = folders.make()
    await runPcs(['outbox', 'add', '--in', '-', '--outbox', directory], { stdin: record })
    const args = ['outbox', 'send', '--outbox', directory, '--endpoint', endpoint]
    expect(await runPcs(args, { env: client() })).toEqual({ code: 0, err: '', out: '1 settled, 0 pending\n' })
  })

  it('names what is missing', async () => {
    expect(await submit({})).toMatchObject({ code: 3, err: expect.stringContaining('TLS_CA_FILE names one') })
    expect(await submit({ TLS_CA_FILE: certificates.ca })).toMatchObject({ code: 3 })
  })

  it('refuses files that cannot be used, all of them named', async () => {
    const text = join(folders.make(), 'text')
    writeFileSync(text, 'no certificate')
    expect(await submit({ TLS_CA_FILE: text, TLS_KEY_FILE: '/nowhere' })).toMatchObject({
      code: 2,
      err: expect.stringMatching(
        /TLS_CA_FILE names a file that is not PEM\nTLS_KEY_FILE cannot be read: ENOENT\nTLS_CERT_FILE and TLS_KEY_FILE must be set both/,
      ),
    })
    expect(await submit({ ...client(), TLS_KEY_FILE: certificates.cert })).toMatchObject({
      code: 2,
      err: expect.stringContaining('cannot be used together'),
    })
  })
})
