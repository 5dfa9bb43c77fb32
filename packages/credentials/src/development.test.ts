import { X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { DirectoryInUseError, makeDevelopmentSet } from './development.js'
import { readIdentity } from './identity.js'

it('makes a certificate for each role, and never writes over anything', async () => {
  const parent = mkdtempSync(join(tmpdir(), 'fractal-lba-certs-'))
  onTestFinished(() => rmSync(parent, { recursive: true }))
  const directory = join(parent, 'certs')
  const holders = [
    { name: 'gateway', dns: ['gateway', 'localhost'], ips: ['127.0.0.1', '::1'] },
    { name: 'wal', dns: ['wal'], ips: [] },
  ]
  const notAfter = await makeDevelopmentSet({ directory, holders, days: 3 })
  for (const { name: role } of holders) {
    const [certFile, keyFile, caFile] = ['tls.crt', 'tls.key', 'ca.crt'].map((name) =>
      join(directory, role, name),
    )
    const { cert, notAfterMs } = await readIdentity({
      certFile: String(certFile),
      keyFile: String(keyFile),
      caFile,
    })
    expect(notAfterMs).toBe(Math.floor(notAfter.getTime() / 1000) * 1000)
    expect(statSync(String(keyFile)).mode & 0o777).toBe(0o600)
    const certificate = new X509Certificate(cert)
    expect(certificate.verify(new X509Certificate(readFileSync(join(directory, 'ca.crt'))).publicKey)).toBe(
      true,
    )
    expect(certificate.checkHost(role)).toBe(role)
    expect(certificate.checkIP('127.0.0.1')).toBe(role === 'gateway' ? '127.0.0.1' : undefined)
  }
  await expect(makeDevelopmentSet({ directory, holders, days: 3 })).rejects.toThrow(DirectoryInUseError)
})
