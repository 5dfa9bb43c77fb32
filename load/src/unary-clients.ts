import type { Connect, DedupClient, ScoringClient, VerifierClient, WalClient } from '@fractal-lba/gateway'
import { dedup, scoring, verifier, wal } from '@fractal-lba/proto'
import { AppError, type BatchLimits, callUnary } from '@fractal-lba/runtime'
import { clientsOf, UnaryHop } from './unary-hop.js'
import type { UnarySetting } from './variants.js'

/** The gateway's clients, asking the services record by record: a call for each step of each submission. */
export function connectUnary(setting: UnarySetting): Connect {
  return (addresses, limits) => ({
    wals: addresses.wal.map((address) => connectWal(address, setting, limits)),
    verifier: connectVerifier(addresses.verifier, setting, limits),
    scoring: connectScoring(addresses.scoring, setting, limits),
    dedup: connectDedup(addresses.dedup, setting, limits),
  })
}

function connectWal(address: string, setting: UnarySetting, limits: BatchLimits): WalClient {
  const clients = clientsOf(wal.WalServiceClient, address, setting.channels)
  const [first] = clients
  if (!first) throw new Error('a hop needs a channel')
  const appends = new UnaryHop<wal.AppendRequest, wal.AppendResponse>(
    'wal',
    clients.map((client) => client.append.bind(client)),
    setting,
    limits,
  )
  const marks = new UnaryHop<wal.MarkDoneRequest, wal.MarkDoneResponse>(
    'wal',
    clients.map((client) => client.markDone.bind(client)),
    setting,
    limits,
  )
  return {
    address,
    append: async (item, deadlineMs) => demand((await appends.call({ item }, deadlineMs)).position),
    markDone: async (item, deadlineMs) => demand((await marks.call({ item }, deadlineMs)).position),
    leaseOpen: (entriesMax, leaseMs) =>
      callUnary(first.leaseOpen.bind(first), { entriesMax, leaseMs }, limits.timeoutMs),
    reportReplayFailure: (position, reason) =>
      callUnary(first.reportReplayFailure.bind(first), { position, reason }, limits.timeoutMs),
    state: () => callUnary(first.getState.bind(first), {}, limits.timeoutMs),
    close: () => closeAll([appends, marks, ...clients]),
  }
}

function connectVerifier(address: string, setting: UnarySetting, limits: BatchLimits): VerifierClient {
  const clients = clientsOf(verifier.VerifierServiceClient, address, setting.channels)
  const verifications = new UnaryHop<verifier.VerifyRequest, verifier.VerifyResponse>(
    'verifier',
    clients.map((client) => client.verify.bind(client)),
    setting,
    limits,
  )
  return {
    verify: async (item, deadlineMs) => demand((await verifications.call(item, deadlineMs)).record),
    close: () => closeAll([verifications, ...clients]),
  }
}

function connectScoring(address: string, setting: UnarySetting, limits: BatchLimits): ScoringClient {
  const clients = clientsOf(scoring.ScoringServiceClient, address, setting.channels)
  const judgements = new UnaryHop<scoring.JudgeRequest, scoring.JudgeResponse>(
    'scoring',
    clients.map((client) => client.judge.bind(client)),
    setting,
    limits,
  )
  return {
    judge: async (item, deadlineMs) => demand((await judgements.call(item, deadlineMs)).judgement),
    close: () => closeAll([judgements, ...clients]),
  }
}

function connectDedup(address: string, setting: UnarySetting, limits: BatchLimits): DedupClient {
  const clients = clientsOf(dedup.DedupServiceClient, address, setting.channels)
  const [first] = clients
  if (!first) throw new Error('a hop needs a channel')
  const lookups = new UnaryHop<dedup.LookupRequest, dedup.LookupResponse>(
    'dedup',
    clients.map((client) => client.lookup.bind(client)),
    setting,
    limits,
  )
  const puts = new UnaryHop<dedup.PutIfAbsentRequest, dedup.PutIfAbsentResponse>(
    'dedup',
    clients.map((client) => client.putIfAbsent.bind(client)),
    setting,
    limits,
  )
  return {
    lookup: async (item, deadlineMs) => demand((await lookups.call({ item }, deadlineMs)).answer),
    putIfAbsent: async (item, deadlineMs) => demand((await puts.call({ item }, deadlineMs)).answer),
    get: async (pcsId) => (await callUnary(first.get.bind(first), { pcsId }, limits.timeoutMs)).verdict,
    state: () => callUnary(first.getState.bind(first), {}, limits.timeoutMs),
    close: () => closeAll([lookups, puts, ...clients]),
  }
}

function demand<T>(part: T | undefined): T {
  if (part === undefined) throw new AppError('internal', 'a service answered nothing')
  return part
}

function closeAll(all: readonly { close(): void }[]): void {
  for (const one of all) one.close()
}
