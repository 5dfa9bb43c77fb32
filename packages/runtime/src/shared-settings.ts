import { join } from 'node:path'
import type { Env } from './env.js'
import { type InternalServiceName, localGrpcAddress, PORT_DEFAULT, PORT_MAX, topology } from './topology.js'

// Settings that several programs read: each is read here alone, so that all of them mean the same by it.

const DAY_MS = 86_400_000

/** The gateway's HTTP port; all others follow from it. */
export function readPort(env: Env): number {
  return env.integer('PORT', PORT_DEFAULT, { min: 1, max: PORT_MAX })
}

/** Where the gateway listens. */
export function readHost(env: Env): string {
  return env.text('HOST', '127.0.0.1')
}

/** Where everything is kept that has no place of its own. */
export function readDataDirectory(env: Env): string {
  return env.text('DATA_DIR', 'data')
}

/** The directory of the log. */
export function readWalDirectory(env: Env): string {
  return env.text('WAL_DIR', join(readDataDirectory(env), 'wal'))
}

/** How long an outcome is remembered, from its first mark on. */
export function readDedupTtlMs(env: Env): number {
  return env.durationMs('DEDUP_TTL', 14 * DAY_MS, { min: 1_000, max: 3_650 * DAY_MS })
}

/** How far clocks may be apart before one of them counts as wrong. */
export function readClockOffsetMaxMs(env: Env): number {
  return env.durationMs('CLOCK_OFFSET_MAX', 300_000, { min: 1_000, max: DAY_MS })
}

/** Deadline of one call to a service. */
export function readHopTimeoutMs(env: Env): number {
  return env.durationMs('HOP_TIMEOUT', 1_000, { min: 10, max: 60_000 })
}

/** Deadline of a whole submission, from the last byte of its body. */
export function readSubmitTimeoutMs(env: Env): number {
  return env.durationMs('SUBMIT_TIMEOUT', 2_000, { min: 1, max: 600_000 })
}

/** host:port of a service; on the loopback, as in the local start at `base`, when nothing is set. */
export function readAddress(env: Env, name: InternalServiceName, base: number): string {
  return env.address(topology[name].addressVariable, localGrpcAddress(name, base))
}

/** As `readAddress`, of a service that may be there several times. */
export function readAddresses(env: Env, name: InternalServiceName, base: number): readonly string[] {
  return env.addresses(topology[name].addressVariable, localGrpcAddress(name, base))
}
