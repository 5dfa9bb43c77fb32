import {
  type ClientTls,
  type Exchange,
  type ExchangeRequest,
  exchange,
  NoAnswer,
  parseEndpoint,
  readClientTls,
  UnusableEndpoint,
} from '@fractal-lba/agent/exchange'
import type { Env } from '@fractal-lba/runtime/env'
import { localOpsAddress, PORT_DEFAULT } from '@fractal-lba/runtime/topology'
import type { Arguments } from './arguments.js'
import type { Terminal } from './command.js'
import { fromEnvironment } from './environment.js'
import { EXIT, Failure, usageError } from './failure.js'

export const ENDPOINT_DEFAULT = `http://${localOpsAddress('gateway', PORT_DEFAULT)}`

/** The gateway's answer. */
export interface Answer {
  readonly status: number
  /** The outcome was stored before: this request did not make it. */
  readonly replayed: boolean
  /** Seconds, when the answer names them. */
  readonly retryAfterSeconds: number | undefined
  readonly body: string
}

/** Where the gateway is and how to get there. */
export interface GatewayAddress {
  readonly endpoint: URL
  readonly tls: ClientTls
}

/** Where to and how long to wait. */
export interface Gateway extends GatewayAddress {
  readonly timeoutMs: number
}

/**
 * The gateway's address from `--endpoint` or `ENDPOINT`, and the TLS files of the environment.
 * @throws Failure when the option is no http or https address
 */
export function readGatewayAddress(given: Arguments, env: Env): GatewayAddress {
  return { endpoint: readEndpoint(given, env), tls: readClientTls(env) }
}

function readEndpoint(given: Arguments, env: Env): URL {
  const option = given.text('endpoint')
  const text = option ?? env.text('ENDPOINT', ENDPOINT_DEFAULT)
  try {
    return parseEndpoint(text)
  } catch (error) {
    if (!(error instanceof UnusableEndpoint)) throw error
    if (option !== undefined) throw usageError(`--endpoint ${error.message}`)
    env.mistake(`ENDPOINT ${error.message}`)
    return new URL(ENDPOINT_DEFAULT)
  }
}

/** Warns of plain HTTP to another machine: the signature does not cover all fields of a record. */
export function warnOfPlainHttp(endpoint: URL, terminal: Terminal): void {
  if (endpoint.protocol === 'http:' && !isLoopback(endpoint.hostname)) {
    terminal.err(`pcs: ${endpoint.host} is another machine: records should travel by https\n`)
  }
}

/** The address, for a command that reads nothing else of the environment. @throws Failure when it is none */
export function gatewayAddressFrom(given: Arguments, terminal: Terminal): GatewayAddress {
  const address = fromEnvironment(terminal, (env) => readGatewayAddress(given, env))
  warnOfPlainHttp(address.endpoint, terminal)
  return address
}

/** Posts the bytes as they are. @throws Failure with exit code 3 when no answer comes */
export function postRecord(gateway: Gateway, bytes: Uint8Array): Promise<Answer> {
  const headers = { 'content-type': 'application/json', 'content-length': bytes.length }
  return answerOf({ ...gateway, path: 'v1/pcs/submit', method: 'POST', headers, body: bytes })
}

/** Asks for a stored outcome. @throws Failure with exit code 3 when no answer comes */
export function getOutcome(gateway: Gateway, pcsId: string): Promise<Answer> {
  return answerOf({ ...gateway, path: `v1/pcs/${pcsId}`, method: 'GET' })
}

/** Asks whether submissions are taken. @throws Failure with exit code 3 when no answer comes */
export function getReady(gateway: Gateway): Promise<Answer> {
  return answerOf({ ...gateway, path: 'ready', method: 'GET' })
}

async function answerOf(request: ExchangeRequest): Promise<Answer> {
  try {
    const answer = await exchange(request)
    return { ...answer, retryAfterSeconds: secondsOf(answer) }
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error
    throw new Failure(error.message, error.tooLarge ? EXIT.refused : EXIT.tryLater, { cause: error })
  }
}

function secondsOf({ retryAfter = '' }: Exchange): number | undefined {
  return /^\d{1,9}$/.test(retryAfter) ? Number(retryAfter) : undefined
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(hostname)
}
