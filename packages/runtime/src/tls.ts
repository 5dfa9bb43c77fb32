import type { TLSSocket } from 'node:tls'
import {
  dnsNames,
  FileError,
  type Identity,
  type IdentityFiles,
  type Watched,
  type WatchedOptions,
  watchIdentity,
} from '@fractal-lba/credentials'
import type { Env } from './env.js'
import { type Logger, OccasionalWarning } from './logger.js'
import { Counter, Gauge, type Registry } from './metrics.js'
import { type ReadyReport, withDetail } from './ops-server.js'
import { rolesOf } from './rpc/callers.js'
import type { ServerTls } from './rpc/listener.js'
import { insecure, type MutualTls, type Refusals, refusedConnections, type Security } from './rpc/security.js'
import { StartError } from './start-error.js'
import { type Role, roles } from './topology.js'

/** The internal identity of a process: what it shows to other services, and whom it believes. */
export interface TlsConfig extends IdentityOfConfig {
  /** The names that certificates have for a role, where it is not the role's own. */
  readonly names: ReadonlyMap<Role, readonly string[]>
}

/** Some files that are watched. */
export interface IdentityOfConfig {
  readonly files: IdentityFiles
  readonly everyMs: number
}

const FILES = ['TLS_CERT_FILE', 'TLS_KEY_FILE', 'TLS_CA_FILE'] as const
/** A flood of refused callers costs a line in that time, and a count. */
const REFUSALS_LOGGED_EVERY_MS = 1_000

/** `TLS_ENABLED` with its files; undefined where there is no TLS between the services. */
export function readTls(env: Env): TlsConfig | undefined {
  const isOn = env.flag('TLS_ENABLED', false)
  const [certFile, keyFile, caFile] = FILES.map((name) => env.optional(name))
  const everyMs = readReloadEveryMs(env)
  const names = readNames(env)
  if (!isOn) {
    // TLS_CA_FILE alone may be what a store is believed by.
    if (certFile !== undefined || keyFile !== undefined) {
      env.mistake(
        'TLS_CERT_FILE and TLS_KEY_FILE are set, but TLS_ENABLED is not true: set it, or unset them',
      )
    }
    return undefined
  }
  if (certFile !== undefined && keyFile !== undefined && caFile !== undefined) {
    return { files: { certFile, keyFile, caFile }, everyMs, names }
  }
  const missing = FILES.filter((name) => env.optional(name) === undefined)
  env.mistake(
    `TLS_ENABLED is true: ${missing.join(', ')} must name PEM files (pcs certs makes some for a try)`,
  )
  return undefined
}

/** What a server shows to those outside. */
export interface PublicTlsConfig extends IdentityOfConfig {
  readonly asksForCertificates: boolean
}

/**
 * `PUBLIC_TLS_*`; by default the files of the internal identity. Clients are asked for certificates only where
 * `PUBLIC_TLS_CLIENT_CA_FILE` names those who may sign them.
 * @param internal what `readTls` came to
 */
export function readPublicTls(env: Env, internal: TlsConfig | undefined): PublicTlsConfig | undefined {
  const certFile = env.optional('PUBLIC_TLS_CERT_FILE') ?? internal?.files.certFile
  const keyFile = env.optional('PUBLIC_TLS_KEY_FILE') ?? internal?.files.keyFile
  const caFile = env.optional('PUBLIC_TLS_CLIENT_CA_FILE')
  const own = ['PUBLIC_TLS_CERT_FILE', 'PUBLIC_TLS_KEY_FILE'].filter(
    (name) => env.optional(name) !== undefined,
  )
  if (own.length === 1) {
    env.mistake('PUBLIC_TLS_CERT_FILE and PUBLIC_TLS_KEY_FILE must be set both or not at all')
  }
  if (certFile === undefined || keyFile === undefined) {
    if (caFile !== undefined) {
      env.mistake(
        'PUBLIC_TLS_CLIENT_CA_FILE is set, but there is no PUBLIC_TLS_CERT_FILE to ask clients with',
      )
    }
    return undefined
  }
  return {
    files: { certFile, keyFile, caFile },
    everyMs: readReloadEveryMs(env),
    asksForCertificates: caFile !== undefined,
  }
}

/** How often the files of a certificate are looked at. */
function readReloadEveryMs(env: Env): number {
  return env.durationMs('TLS_RELOAD_EVERY', 10_000, { min: 100, max: 3_600_000 })
}

/** `TLS_NAMES`: role=name, several separated by commas; a role may have several names. */
function readNames(env: Env): ReadonlyMap<Role, readonly string[]> {
  const names = new Map<Role, string[]>()
  const text = env.optional('TLS_NAMES')
  for (const part of text === undefined ? [] : text.split(',')) {
    const [word, name] = part.trim().split('=', 2)
    const role = roles.find((known) => known === word)
    if (role === undefined || name === undefined || !/^[A-Za-z0-9.-]{1,253}$/.test(name)) {
      env.mistake(
        `TLS_NAMES is not role=DNS name, several separated by commas; roles are ${roles.join(', ')}`,
      )
      continue
    }
    names.set(role, [...(names.get(role) ?? []), name.toLowerCase()])
  }
  return names
}

/** What a server of the public side needs. @throws StartError when its files are no identity */
export async function serverTls(
  config: PublicTlsConfig | undefined,
  context: IdentityContext,
): Promise<ServerTls | undefined> {
  if (!config) return undefined
  const identity = await openIdentity('public', config, context)
  return { identity, asksForCertificates: config.asksForCertificates, refusals: refusalsOf(context) }
}

/** As `readTls`; where there is no TLS between the services, the files may be those of a client of HTTPS. */
export function readToolsTls(env: Env): TlsConfig | undefined {
  return env.flag('TLS_ENABLED', false) ? readTls(env) : undefined
}

const ONCE_MS = 2 ** 31 - 1

/** How a tool is secured that ends soon. @throws StartError when its files are no identity */
export async function openToolsSecurity(config: TlsConfig | undefined): Promise<Security> {
  if (!config) return insecure
  const identity = await opened(config.files, { everyMs: ONCE_MS })
  return { kind: 'mtls', identity, namesOf: namesIn(config), refusals: { connection() {}, call() {} } }
}

function namesIn({ names }: TlsConfig): MutualTls['namesOf'] {
  return (role) => names.get(role) ?? [role]
}

async function opened(files: IdentityFiles, options: WatchedOptions): Promise<Watched<Identity>> {
  try {
    return await watchIdentity(files, options)
  } catch (error) {
    throw error instanceof FileError ? new StartError(error.message) : error
  }
}

export interface IdentityContext {
  readonly logger: Logger
  readonly registry: Registry
  /** Ends the watching. */
  readonly stopping: AbortSignal
}

/** How a process is secured. @throws StartError when its files are no identity */
export async function openSecurity(
  config: TlsConfig | undefined,
  context: IdentityContext,
): Promise<Security> {
  if (!config) return insecure
  const identity = await openIdentity('internal', config, context)
  return {
    kind: 'mtls',
    identity,
    namesOf: namesIn(config),
    refusals: refusalsOf(context),
    onSecure: measurePeers(namesIn(config), context.registry),
  }
}

/** Which certificates callers show now: whether all of them have moved to a new one, and which will end soon. */
function measurePeers(namesOf: MutualTls['namesOf'], registry: Registry): (socket: TLSSocket) => void {
  const peers = new Map<TLSSocket, { readonly peer: string; readonly notAfterMs: number }>()
  new Gauge({
    name: 'tls_peer_not_after_timestamp_seconds',
    help: 'The earliest end of the certificates that callers show on open connections, Unix time, by what they stand for.',
    labelNames: ['peer'] as const,
    registers: [registry],
    collect() {
      this.reset()
      const earliest = new Map<string, number>()
      for (const { peer, notAfterMs } of peers.values()) {
        earliest.set(peer, Math.min(notAfterMs, earliest.get(peer) ?? Number.POSITIVE_INFINITY))
      }
      for (const [peer, notAfterMs] of earliest) this.set({ peer }, notAfterMs / 1000)
    },
  })
  return (socket) => {
    const certificate = socket.getPeerX509Certificate()
    if (certificate === undefined) return
    const [peer = 'unknown'] = rolesOf(dnsNames(certificate.subjectAltName), namesOf)
    peers.set(socket, { peer, notAfterMs: Date.parse(certificate.validTo) })
    socket.once('close', () => peers.delete(socket))
  }
}

/**
 * An identity that is watched, with its metrics.
 * @param use what it is for, as the metrics and the log name it
 * @throws StartError
 */
async function openIdentity(
  use: 'internal' | 'public',
  { files, everyMs }: IdentityOfConfig,
  { logger, registry, stopping }: IdentityContext,
): Promise<Watched<Identity>> {
  const onProblem = (problem: string | undefined): void => {
    if (problem === undefined) logger.info(`the ${use} certificate in its files is good again`)
    else logger.error(`the ${use} certificate in its files is not used, the one before it is: ${problem}`)
  }
  const identity = await opened(files, { everyMs, onProblem })
  stopping.addEventListener('abort', () => identity.close(), { once: true })
  identity.onChange(({ notAfterMs, fingerprint }) => {
    logger.info(
      { not_after: new Date(notAfterMs).toISOString(), fingerprint },
      `the ${use} certificate is new`,
    )
  })
  measureIdentity(use, identity, registry)
  return identity
}

const measured = new WeakMap<Registry, Map<string, Watched<Identity>>>()

/** What /ready says, and which certificates of the process are not those in their files. */
export function withTls(report: ReadyReport, registry: Registry): ReadyReport {
  let told = report
  for (const [use, { problem }] of measured.get(registry) ?? []) {
    if (problem !== undefined) {
      told = withDetail(told, `the ${use} certificate in its files is not used: ${problem}`)
    }
  }
  return told
}

function measureIdentity(use: string, identity: Watched<Identity>, registry: Registry): void {
  const existing = measured.get(registry)
  if (existing) {
    existing.set(use, identity)
    return
  }
  const identities = new Map([[use, identity]])
  measured.set(registry, identities)
  const common = { registers: [registry], labelNames: ['use'] as const }
  new Gauge({
    ...{ ...common, name: 'tls_certificate_not_after_timestamp_seconds' },
    help: 'When the certificate in use ends, Unix time.',
    collect() {
      for (const [label, { current }] of identities) this.set({ use: label }, current.notAfterMs / 1000)
    },
  })
  new Gauge({
    ...{ ...common, name: 'tls_certificate_files_good' },
    help: '1 while the certificate in use is the one in its files; 0 while those are broken and the one before is used.',
    collect() {
      for (const [label, { problem }] of identities) this.set({ use: label }, problem === undefined ? 1 : 0)
    },
  })
}

const counted = new WeakMap<Registry, Refusals>()

/** One for each process: its internal and its public side count together. */
function refusalsOf(context: IdentityContext): Refusals {
  const existing = counted.get(context.registry)
  if (existing) return existing
  const created = countRefusals(context)
  counted.set(context.registry, created)
  return created
}

function countRefusals({ registry, logger }: IdentityContext): Refusals {
  const registers = [registry]
  const connections = new Counter({
    name: 'tls_connections_refused_total',
    help: 'Connections that did not get through the handshake, by reason.',
    labelNames: ['reason'] as const,
    registers,
  })
  for (const reason of refusedConnections) connections.inc({ reason }, 0)
  const calls = new Counter({
    name: 'rpc_server_callers_refused_total',
    help: 'Calls by a certificate that may not make them, by what it stands for.',
    labelNames: ['caller'] as const,
    registers,
  })
  // One line in a while, for each reason and each caller, so that a flood of one hides no other; the metrics count all.
  const warnings = new Map<string, OccasionalWarning>()
  const warn = (about: string, sentence: string): void => {
    const warning = warnings.get(about) ?? new OccasionalWarning(logger, REFUSALS_LOGGED_EVERY_MS)
    warnings.set(about, warning)
    warning.warn(sentence)
  }
  return {
    connection(reason, from) {
      connections.inc({ reason })
      warn(reason, `refused a connection from ${from}: ${reason.replaceAll('_', ' ')}`)
    },
    call(method, caller, names) {
      const label = caller ?? 'unknown'
      calls.inc({ caller: label })
      const who = names.length > 0 ? names.slice(0, 4).join(', ') : 'no DNS name'
      warn(label, `refused ${method} to a certificate that names ${who}`)
    },
  }
}
