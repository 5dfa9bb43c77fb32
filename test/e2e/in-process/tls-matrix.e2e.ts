import { X509Certificate } from 'node:crypto'
import { connect as connectPlain, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { IssuedPair } from '@fractal-lba/credentials/development'
import { anHourAround, testAuthority } from '@fractal-lba/credentials/testing'
import { type ServiceName, serviceNames } from '@fractal-lba/runtime'
import { Client, credentials, status as Grpc, type ServiceError } from '@grpc/grpc-js'
import { afterAll, describe, expect, it } from 'vitest'
import { Metrics } from '../../src/metrics.js'
import { certificateFor, RoleCertificates } from '../../src/role-certificates.js'
import { addressOf, useSystemInProcess } from '../../src/system.js'

const DAY_MS = 86_400_000
const [authority, foreign] = await Promise.all([testAuthority(), testAuthority('foreign')])
const certificates = new RoleCertificates()
afterAll(() => certificates.remove())
certificates.believe(authority.cert)
await certificates.issue(authority)
const issued = (name: string, by = authority, aroundMs = Date.now()): Promise<IssuedPair> =>
  certificateFor(name, by, anHourAround(aroundMs))

const system = useSystemInProcess('tls-matrix', {
  envOf: Object.fromEntries(
    serviceNames.map((name) => {
      const own = certificates.environmentOf(name)
      // The gateway asks its clients for certificates too.
      return [name, name === 'gateway' ? { ...own, PUBLIC_TLS_CLIENT_CA_FILE: own.TLS_CA_FILE } : own]
    }),
  ),
})

/** What a client shows, and why it is refused. */
const handshakes: readonly (readonly [reason: string, shown: IssuedPair | undefined])[] = [
  ['no_certificate', undefined],
  ['unknown_authority', await issued('gateway', foreign)],
  ['not_in_its_time', await issued('gateway', authority, Date.now() - DAY_MS)],
  ['not_in_its_time', await issued('gateway', authority, Date.now() + DAY_MS)],
]

/** Whether the connection is closed by the other end, before anything is said on it. */
function isClosed(socket: Socket): Promise<boolean> {
  return new Promise((resolve) => {
    socket.on('error', () => socket.destroy())
    socket.on('close', () => resolve(true))
    socket.resume()
  })
}

async function metricsOf(name: ServiceName): Promise<Metrics> {
  return Metrics.parse((await system().constellation.registryOf(name)?.metrics()) ?? '')
}

const servers = [
  ...serviceNames.map((name) => ({ name, front: 'gRPC', portOf: () => addressOf(system().site, name) })),
  { name: 'gateway', front: 'HTTPS', portOf: () => `127.0.0.1:${system().site.port}` },
] as const

describe.each(servers)('$name, $front', ({ name, portOf }) => {
  it('refuses connections of a foreign authority, out of their time, without a certificate and without TLS', async () => {
    const [host = '', port = ''] = portOf().split(':')
    const refused = async (reason: string) =>
      (await metricsOf(name)).value('tls_connections_refused_total', { reason })
    for (const [reason, shown] of handshakes) {
      const before = await refused(reason)
      const socket = connectTls({ host, port: Number(port), ca: authority.cert, ...shown })
      expect(await isClosed(socket)).toBe(true)
      await expect.poll(() => refused(reason)).toBe(before + 1)
    }
    const plain = connectPlain(Number(port), host)
    const before = await refused('no_tls')
    plain.end('GET / HTTP/1.1\r\n\r\n')
    expect(await isClosed(plain)).toBe(true)
    await expect.poll(() => refused('no_tls')).toBe(before + 1)
    const lines = system().lines.filter(({ service }) => service === name)
    for (const reason of ['no certificate', 'unknown authority', 'not in its time', 'no tls']) {
      const line = `refused a connection from 127.0.0.1: ${reason}`
      expect(lines.filter(({ text }) => text.includes(line)).length, line).toBeGreaterThan(0)
    }
  })
})

describe.each([
  { name: 'wal', method: 'flk.wal.v1.WalService/Append', caller: 'signal-scoring', may: 'gateway' },
  { name: 'verifier', method: 'flk.verifier.v1.VerifierService/Verify', caller: 'dedup', may: 'gateway' },
  { name: 'dedup', method: 'flk.dedup.v1.DedupService/GetState', caller: 'wal', may: 'tools' },
  {
    name: 'signal-scoring',
    method: 'flk.scoring.v1.ScoringService/Judge',
    caller: 'verifier',
    may: 'gateway',
  },
] as const)('$name', ({ name, method, caller, may }) => {
  /** The status with which a call ends, whose caller's certificate names this. */
  async function statusFor(holder: string): Promise<number> {
    const { cert, key } = await issued(holder)
    const client = new Client(
      addressOf(system().site, name),
      credentials.createSsl(Buffer.from(authority.cert), Buffer.from(key), Buffer.from(cert)),
      { 'grpc.ssl_target_name_override': name },
    )
    const bytes = (value: Buffer): Buffer => value
    const code = await new Promise<number>((resolve) => {
      client.makeUnaryRequest(`/${method}`, bytes, bytes, Buffer.alloc(0), (error: ServiceError | null) =>
        resolve(error?.code ?? Grpc.OK),
      )
    })
    client.close()
    return code
  }

  it('refuses the call of a certificate that names nobody here, and of another service', async () => {
    const refused = async (label: string) =>
      (await metricsOf(name)).value('rpc_server_callers_refused_total', { caller: label })
    expect(await statusFor('printer')).toBe(Grpc.PERMISSION_DENIED)
    expect(await statusFor(caller)).toBe(Grpc.PERMISSION_DENIED)
    expect([await refused('unknown'), await refused(caller)]).toEqual([1, 1])
    expect(await statusFor(may)).not.toBe(Grpc.PERMISSION_DENIED)
    const lines = system().lines.filter(({ service }) => service === name)
    for (const holder of ['printer', caller]) {
      const line = `refused ${method.split('/')[1]} to a certificate that names ${holder}`
      expect(lines.filter(({ text }) => text.includes(line))).toHaveLength(1)
    }
  })
})

it('a server says when the certificates end that its callers show, as long as they are connected', async () => {
  const [host = '', port = ''] = addressOf(system().site, 'wal').split(':')
  const pair = await issued('tools')
  const endsS = Date.parse(new X509Certificate(pair.cert).validTo) / 1000
  const seen = async () =>
    (await metricsOf('wal')).value('tls_peer_not_after_timestamp_seconds', { peer: 'tools' })
  const socket = connectTls({
    ...{ host, port: Number(port), ca: authority.cert, ...pair },
    ...{ servername: 'wal', ALPNProtocols: ['h2'] },
  })
  await expect.poll(seen).toBe(endsS)
  socket.destroy()
  await expect.poll(seen).toBe(0)
})
