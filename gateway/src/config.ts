import {
  type CommonConfig,
  type Env,
  grpcPort,
  type HopLimits,
  localPlainOpsAddress,
  type PublicTlsConfig,
  readAddress,
  readAddresses,
  readCommonConfig,
  readHopLimits,
  readHost,
  readPort,
  readPublicTls,
  readSubmitTimeoutMs,
  readTls,
} from '@fractal-lba/runtime'

import { isNetwork } from './client-address.js'
import type { BatchLimits } from './http/node-server.js'
import type { LinkTargets } from './http/pages/links.js'

export interface GatewayConfig extends CommonConfig {
  /** What both fronts show to clients; undefined: they have no TLS of their own. */
  readonly publicTls: PublicTlsConfig | undefined
  /** Where /metrics, /health and /ready are in plain HTTP as well: a kubelet has no certificate. Undefined: nowhere. */
  readonly plainOpsAddress: string | undefined
  readonly host: string
  readonly port: number
  readonly grpcAddress: string
  readonly addresses: ServiceAddresses
  /** Requests per second, burst as much; 0 is off. */
  readonly tokenRate: number
  readonly clients: ClientConfig
  readonly bodyBytesMax: number
  readonly bodyTimeoutMs: number
  readonly headersTimeoutMs: number
  readonly batch: BatchLimits
  readonly connectionsMax: number
  /** The whole submission, from the last byte of its body. */
  readonly submitTimeoutMs: number
  /** What a 503 tells in Retry-After, before the jitter. */
  readonly retryAfterMs: number
  readonly hop: HopLimits
  readonly replay: ReplayConfig
  /** Log lines in a second about records of one reason: refused, escalated, failed. */
  readonly logRecordRate: number
  /** Where the page for people leads to. */
  readonly links: LinkTargets
}

export interface ServiceAddresses {
  /** One for each log. */
  readonly wal: readonly string[]
  readonly verifier: string
  /** Of processes on one store. */
  readonly dedup: readonly string[]
  readonly scoring: string
}

/** What one client may send, and who it is. */
export interface ClientConfig {
  /** Per second, burst as much; 0 is off. */
  readonly requestsPerSecond: number
  readonly bytesPerSecond: number
  readonly refusalsPerSecond: number
  /** Addresses and networks of proxies whose X-Forwarded-For counts. */
  readonly trustedProxies: readonly string[]
}

export interface ReplayConfig {
  /** Records per second, beside live traffic. */
  readonly rate: number
  readonly pollMs: number
  readonly leaseMs: number
}

const MINUTE_MS = 60_000
/** Records have 0.6 to 1 KB: one client that sends as many as the gateway takes may send them four times as large. */
const RECORD_BYTES_USUAL = 4 * 2 ** 10

export function readGatewayConfig(env: Env): GatewayConfig {
  const tls = readTls(env)
  const publicTls = readPublicTls(env, tls)
  const port = readPort(env)
  const host = readHost(env)
  const tokenRate = env.integer('TOKEN_RATE', 1000, { min: 0, max: 1_000_000 })
  const bodyTimeoutMs = env.durationMs('BODY_TIMEOUT', 5_000, { min: 100, max: MINUTE_MS })
  const headersTimeoutMs = env.durationMs('HEADERS_TIMEOUT', Math.min(3_000, bodyTimeoutMs), {
    min: 100,
    max: bodyTimeoutMs,
  })
  return {
    ...readCommonConfig(env),
    tls,
    publicTls,
    plainOpsAddress: readPlainOpsAddress(env, publicTls ? localPlainOpsAddress(port) : undefined),
    host,
    port,
    grpcAddress: env.address(
      'GRPC_ADDR',
      `${host.includes(':') ? `[${host}]` : host}:${grpcPort('gateway', port)}`,
    ),
    addresses: {
      wal: readAddresses(env, 'wal', port),
      verifier: readAddress(env, 'verifier', port),
      dedup: readAddresses(env, 'dedup', port),
      scoring: readAddress(env, 'signal-scoring', port),
    },
    tokenRate,
    clients: readClients(env, tokenRate),
    bodyBytesMax: env.sizeBytes('BODY_MAX', 64 * 2 ** 10, { min: 2 ** 10, max: 2 ** 20 }),
    bodyTimeoutMs,
    headersTimeoutMs,
    batch: {
      bodyTimeoutMs: env.durationMs('BATCH_BODY_TIMEOUT', 30_000, { min: 100, max: 5 * MINUTE_MS }),
      bytesInFlightMax: env.sizeBytes('BATCH_BYTES_IN_FLIGHT', 64 * 2 ** 20, {
        min: 4 * 2 ** 20,
        max: 4 * 2 ** 30,
      }),
    },
    connectionsMax: env.integer('CONNECTIONS_MAX', 4_096, { min: 1, max: 65_535 }),
    submitTimeoutMs: readSubmitTimeoutMs(env),
    retryAfterMs: env.durationMs('RETRY_AFTER', 5_000, { min: 1_000, max: 60 * MINUTE_MS }),
    hop: readHopLimits(env),
    replay: {
      rate: env.integer('REPLAY_RATE', 1_000, { min: 1, max: 100_000 }),
      pollMs: env.durationMs('REPLAY_POLL', 1_000, { min: 10, max: MINUTE_MS }),
      leaseMs: env.durationMs('REPLAY_LEASE', 10_000, { min: 1_000, max: MINUTE_MS }),
    },
    links: {
      traces: baseUrlOf(env, 'TRACE_BASE_URL', env.optional('TRACE_BASE_URL')),
      runbooks: baseUrlOf(env, 'RUNBOOK_BASE_URL', env.optional('RUNBOOK_BASE_URL')),
      dashboards: baseUrlOf(env, 'DASHBOARD_BASE_URL', env.optional('DASHBOARD_BASE_URL')),
    },
    logRecordRate: env.integer('LOG_RECORD_RATE', 10, { min: 0, max: 10_000 }),
  }
}

/** Without slashes at its end. It becomes a link of a page: nothing but HTTP is one. */
function baseUrlOf(env: Env, name: string, value: string | undefined): string | undefined {
  if (value === undefined) return undefined
  const url = URL.canParse(value) ? new URL(value) : undefined
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return value.replace(/\/+$/, '')
  env.mistake(`${name} must be a URL with http:// or https://`)
  return undefined
}

function readPlainOpsAddress(env: Env, fallback: string | undefined): string | undefined {
  return env.optional('METRICS_ADDR') === undefined && fallback === undefined
    ? undefined
    : env.address('METRICS_ADDR', fallback ?? '')
}

function readClients(env: Env, tokenRate: number): ClientConfig {
  const trustedProxies = (env.optional('TRUSTED_PROXIES') ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
  if (!trustedProxies.every(isNetwork)) {
    env.mistake('TRUSTED_PROXIES is not addresses and networks (10.0.0.0/8), separated by commas')
  }
  return {
    requestsPerSecond: env.integer('CLIENT_RATE', 0, { min: 0, max: 1_000_000 }),
    bytesPerSecond: env.sizeBytes('CLIENT_BYTES_RATE', tokenRate * RECORD_BYTES_USUAL, {
      min: 0,
      max: 2 ** 40,
    }),
    refusalsPerSecond: env.integer('CLIENT_REFUSALS_RATE', 20, { min: 0, max: 1_000_000 }),
    trustedProxies: trustedProxies.filter(isNetwork),
  }
}
