import { X509Certificate } from 'node:crypto'
import { connect as connectPlain, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { testAuthority } from '@fractal-lba/credentials/testing'
import { dedup, scoring, verifier, wal } from '@fractal-lba/proto'
import { freePort } from '@fractal-lba/test-servers'
import { describe, expect, it, onTestFinished } from 'vitest'
import { AppError } from '../errors.js'
import { internalServiceNames, serviceOf, topology } from '../topology.js'
import { connect } from './connect.js'
import { startGrpcServer } from './grpc-server.js'
import { type Definition, nameOf } from './method.js'
import { insecure, type Security } from './security.js'
import { grpcService } from './served.js'
import { mutualTls } from './testing/mutual-tls.js'

const DAY_MS = 86_400_000
const LIMITS = { timeoutMs: 10_000, laneAgeMs: DAY_MS }
const UNREACHABLE = /not reachable/

/** @param onSecure told of each connection that the server has let in */
async function serveWal(security: Security, onSecure?: (socket: TLSSocket) => void) {
  const address = `127.0.0.1:${await freePort()}`
  const service = grpcService(wal.WalServiceService, {
    fence: () => ({ position: { logId: 'log', sequence: 1 } }),
    append: () => ({ position: { logId: 'log', sequence: 2 } }),
    markDoneBatches: (items) => items.map(() => ({ result: undefined })),
  })
  const secured = security.kind === 'mtls' && onSecure ? { ...security, onSecure } : security
  const server = await startGrpcServer(address, [service], { security: secured })
  server.setServing(true)
  onTestFinished(() => server.stop(0))
  return address
}

function callWal(address: string, security: Security) {
  const peer = connect(wal.WalServiceService, { service: 'wal', address, limits: LIMITS }, { security })
  onTestFinished(() => peer.close())
  const told = (call: Promise<unknown>): Promise<string> =>
    call.then(
      () => 'answered',
      (error: unknown) => (error instanceof AppError ? error.message : String(error)),
    )
  return {
    peer,
    fence: () => told(peer.unary('fence', { generation: '', indexLogIds: [], retiredLogIds: [] })),
    append: () => told(peer.unary('append', { item: undefined })),
  }
}

/** A wal and a dedup whose certificates the same authority has signed. */
async function pair() {
  const authority = await testAuthority()
  const server = await mutualTls({ names: ['wal'], authority })
  const client = await mutualTls({ names: ['dedup'], authority })
  return { authority, server, client, address: await serveWal(server) }
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.on('error', () => socket.destroy())
    socket.on('close', () => resolve())
    socket.resume()
  })
}

describe('mutual TLS', () => {
  it('lets the services call each other, whatever address they are reached by', async () => {
    const { server, client, address } = await pair()
    const { fence, peer } = callWal(address, client)
    expect(await fence()).toBe('answered')
    expect(await peer.isServing()).toBe(true)
    expect(server.refused).toEqual({ connections: [], calls: [] })
  })

  it.each([
    ['of a foreign authority', { believesTheServer: true }, 'unknown_authority'],
    ['that has expired', { aroundMs: Date.now() - DAY_MS }, 'not_in_its_time'],
    ['that is not valid yet', { aroundMs: Date.now() + DAY_MS }, 'not_in_its_time'],
  ])(
    'refuses a client with a certificate %s, and says so',
    async (_case, {
      believesTheServer,
      aroundMs,
    }: {
      readonly believesTheServer?: boolean
      readonly aroundMs?: number
    }, reason) => {
      const { authority, server, address } = await pair()
      const client = await mutualTls({
        names: ['dedup'],
        believes: authority.cert,
        ...(!believesTheServer && { authority }),
        ...(aroundMs !== undefined && { aroundMs }),
      })
      expect(await callWal(address, client).fence()).toMatch(UNREACHABLE)
      await expect.poll(() => server.refused.connections).toContain(reason)
    },
  )

  it('refuses a client without a certificate, and one that speaks no TLS', async () => {
    const { authority, server, address } = await pair()
    const [host = '', port = ''] = address.split(':')
    const bare = connectTls({
      host,
      port: Number(port),
      ca: authority.cert,
      servername: 'wal',
      ALPNProtocols: ['h2'],
    })
    await closed(bare)
    await expect.poll(() => server.refused.connections).toContain('no_certificate')
    const plain = connectPlain(Number(port), host)
    plain.end('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
    await closed(plain)
    await expect.poll(() => server.refused.connections).toContain('no_tls')
    expect(await callWal(address, insecure).fence()).toMatch(UNREACHABLE)
  })

  it.each([
    ['names another service', { names: ['verifier'] }],
    ['names its address alone', { names: ['127.0.0.1'] }],
    ['has expired', { names: ['wal'], aroundMs: Date.now() - DAY_MS }],
    ['is not valid yet', { names: ['wal'], aroundMs: Date.now() + DAY_MS }],
  ])('leaves a server whose certificate %s', async (_case, options) => {
    const authority = await testAuthority()
    const server = await mutualTls({ authority, ...options })
    const client = await mutualTls({ names: ['dedup'], authority })
    expect(await callWal(await serveWal(server), client).fence()).toMatch(UNREACHABLE)
  })

  it('leaves a server of a foreign authority', async () => {
    const authority = await testAuthority()
    const server = await mutualTls({ names: ['wal'], believes: authority.cert })
    const client = await mutualTls({ names: ['dedup'], authority })
    expect(await callWal(await serveWal(server), client).fence()).toMatch(UNREACHABLE)
  })

  it('refuses a call by a certificate that may not make it, and takes the others of it', async () => {
    const { authority, server, client, address } = await pair()
    const dedupCalls = callWal(address, client)
    expect(await dedupCalls.append()).toMatch(/certificate/)
    expect(await dedupCalls.fence()).toBe('answered')
    const stranger = await mutualTls({ names: ['printer'], authority })
    expect(await callWal(address, stranger).fence()).toMatch(/certificate/)
    const scoringService = await mutualTls({ names: ['signal-scoring'], authority })
    expect(await callWal(address, scoringService).fence()).toMatch(/certificate/)
    expect(server.refused).toEqual({
      connections: [],
      calls: ['Append by dedup', 'Fence by nobody', 'Fence by signal-scoring'],
    })
  })

  it('moves unary calls and lanes to a new certificate at once, on both ends, and loses no call', async () => {
    const { authority, server, client, address } = await pair()
    const gateway = await mutualTls({ names: ['gateway'], authority })
    const { peer } = callWal(address, gateway)
    const marks = peer.batches('markDoneBatches', {
      answer: () => 'marked',
      sizeBytes: () => 1,
      idempotent: false,
    })
    const mark = () => marks.call({ logId: 'log', mark: undefined })
    const { fence } = callWal(address, client)
    expect([await mark(), await fence()]).toEqual(['marked', 'answered'])

    // A new authority: first both are believed, then all have its certificates, then it is believed alone.
    const next = await testAuthority('next')
    const both = authority.cert + next.cert
    const all = [
      [server, ['wal']],
      [client, ['dedup']],
      [gateway, ['gateway']],
    ] as const
    for (const step of [
      { authority, believes: both },
      { authority: next, believes: both },
      { authority: next, believes: next.cert },
    ]) {
      for (const [security, names] of all) {
        const calls = Promise.all([mark(), fence()])
        await security.renew({ names, ...step })
        expect(await calls).toEqual(['marked', 'answered'])
        expect([await mark(), await fence()]).toEqual(['marked', 'answered'])
      }
    }
    expect(server.refused).toEqual({ connections: [], calls: [] })
  })
})

describe('a certificate that is new', () => {
  it('is what calls and lanes show at once, though their connections were open', async () => {
    const { authority, client, address } = await pair()
    const gateway = await mutualTls({ names: ['gateway'], authority })
    const marks = callWal(address, gateway).peer.batches('markDoneBatches', {
      answer: () => 'marked',
      sizeBytes: () => 1,
      idempotent: false,
    })
    const mark = () =>
      marks.call({ logId: 'log', mark: undefined }).catch((error: unknown) => (error as AppError).code)
    const { fence } = callWal(address, client)
    expect([await mark(), await fence()]).toEqual(['marked', 'answered'])
    // What the server takes from them shows which certificate it was shown.
    await client.renew({ names: ['printer'], authority })
    await gateway.renew({ names: ['printer'], authority })
    expect(await fence()).toMatch(/certificate/)
    await expect.poll(mark, { timeout: 10_000 }).toBe('unavailable')
  })

  it('is what an idle lane shows when the server has come to believe it, without a further call', async () => {
    const [authority, next] = await Promise.all([testAuthority(), testAuthority('next')])
    const both = authority.cert + next.cert
    const server = await mutualTls({ names: ['wal'], authority })
    const open = new Set<TLSSocket>()
    const address = await serveWal(server, (socket) => {
      open.add(socket)
      socket.once('close', () => open.delete(socket))
    })
    const client = await mutualTls({ names: ['gateway'], authority, believes: both })
    const { peer } = callWal(address, client)
    const marks = peer.batches('markDoneBatches', {
      answer: () => 'marked',
      sizeBytes: () => 1,
      idempotent: true,
    })
    expect(await marks.call({ logId: 'log', mark: undefined })).toBe('marked')
    await client.renew({ names: ['gateway'], authority: next, believes: both })
    // Each lane has failed some times, with a wait in between.
    await expect.poll(() => server.refused.connections.length, { timeout: 5_000 }).toBeGreaterThan(6)
    expect(open.size).toBeGreaterThan(0)
    await server.renew({ names: ['wal'], authority, believes: both })
    const shown = () => new Set([...open].map((socket) => socket.getPeerX509Certificate()?.fingerprint256))
    const newest = new X509Certificate(client.identity.current.cert).fingerprint256
    await expect.poll(shown, { timeout: 5_000 }).toEqual(new Set([newest]))
  })

  // Unary calls and lanes alike; connections may be asked for, begun, half open or in use when it changes.
  it.each([0, 1, 2, 4, 8, 12, 16, 24, 32])(
    'is what every connection shows in the end, without a further call, when it changes each %i ms',
    async (everyMs) => {
      const authority = await testAuthority()
      const open = new Set<TLSSocket>()
      const address = await serveWal(await mutualTls({ names: ['wal'], authority }), (socket) => {
        open.add(socket)
        socket.once('close', () => open.delete(socket))
      })
      const identity = { names: ['dedup', 'gateway'], authority }
      const client = await mutualTls(identity)
      const renewals = await Promise.all([1, 2, 3, 4].map(() => client.prepare(identity)))
      const { peer, fence } = callWal(address, client)
      const marks = peer.batches('markDoneBatches', {
        answer: () => 'marked',
        sizeBytes: () => 1,
        idempotent: true,
      })
      const mark = () => marks.call({ logId: 'log', mark: undefined })
      const answers = [mark(), fence()]
      for (const renew of renewals) {
        await new Promise((resolve) => setTimeout(resolve, everyMs))
        renew()
        answers.push(fence())
      }
      expect(await Promise.all(answers)).toEqual(['marked', ...renewals.map(() => 'answered'), 'answered'])
      const shown = () => new Set([...open].map((socket) => socket.getPeerX509Certificate()?.fingerprint256))
      const newest = new X509Certificate(client.identity.current.cert).fingerprint256
      await expect.poll(shown, { timeout: 5_000 }).toEqual(new Set([newest]))
    },
  )
})

describe('the callers of the topology', () => {
  const definitions: readonly Definition[] = [
    wal.WalServiceService,
    verifier.VerifierServiceService,
    dedup.DedupServiceService,
    scoring.ScoringServiceService,
  ]

  it('are given methods that there are, and each method has somebody who may call it', () => {
    for (const definition of definitions) {
      const paths = Object.values(definition).map((method) => nameOf(method))
      const [first] = paths
      const service = first && serviceOf(first.service)
      if (service === undefined) throw new Error('a service that the topology does not know')
      const listed = new Set(Object.values(topology[service].callers).flat())
      expect([...listed].sort()).toEqual(paths.map(({ method }) => method).sort())
    }
  })

  it('are those that need the service, and the tools', () => {
    for (const service of internalServiceNames) {
      const services = Object.keys(topology[service].callers).filter((caller) => caller !== 'tools')
      const needing = Object.entries(topology).filter(([, { needs }]) =>
        needs.some((needed: string) => needed === service),
      )
      expect(services.sort()).toEqual(needing.map(([name]) => name).sort())
    }
  })
})
