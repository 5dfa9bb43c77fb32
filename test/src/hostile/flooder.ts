/*
 * A process that takes up connections and streams: slow ones, and ones that it gives up at once. Its parent says which
 * flood, and is told when it is over.
 */

import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { ingest } from '@fractal-lba/proto'
import type { HostileTarget } from './acts.js'
import { callHeaders, cancel, endingData, FrameReader, opening } from './http2-frames.js'

export type FloodKind = 'slow' | 'http-resets' | 'stream-resets'

export interface FloodOrder {
  readonly target: HostileTarget
  readonly kind: FloodKind
  /** Slow connections at once, or resets in all. */
  readonly count: number
  /** Of slow connections. */
  readonly durationMs: number
  /** A whole request, of which parts are sent. */
  readonly request: string
  /** A whole message, with its prefix, of the same record. */
  readonly message: string
}

export interface FloodReport {
  /** Connections that were open at once, at most. */
  readonly openMax: number
  /** Connections opened, or resets sent. */
  readonly made: number
  /** Connections that the other end closed. */
  readonly closedThere: number
}

/** Another client than the honest ones. */
const OWN_ADDRESS = '127.0.0.2'
const PATH = ingest.IngestServiceService.submit.path
const SLOW_TICK_MS = 500
/** Opened at once: fewer than a listener keeps waiting. */
const AT_ONCE = 100
const RESETS_AT_ONCE = 32
const STREAMS_AT_ONCE = 100

process.on('message', (order: FloodOrder) => {
  void flood(order).then((report) => process.send?.(report))
})
process.on('disconnect', () => process.exit())

function flood(order: FloodOrder): Promise<FloodReport> {
  switch (order.kind) {
    case 'slow':
      return slow(order)
    case 'http-resets':
      return httpResets(order)
    case 'stream-resets':
      return streamResets(order)
  }
}

/** Connections that say a byte of their headers, or of their body, now and then; one that is closed is opened anew. */
async function slow({ target, count, durationMs, request }: FloodOrder): Promise<FloodReport> {
  const headEnd = request.indexOf('\r\n\r\n') + 4
  /** How many bytes each has sent; undefined: it is being opened. */
  const open = new Map<Socket, number | undefined>()
  const report = { openMax: 0, made: 0, closedThere: 0 }
  const endMs = performance.now() + durationMs
  const add = (): void => {
    const socket = connect({ port: target.port, host: '127.0.0.1', localAddress: OWN_ADDRESS }, () => {
      // One in two begins with whole headers, and is slow with its body.
      const sent = report.made % 2 === 0 ? 1 : headEnd
      socket.write(request.slice(0, sent))
      open.set(socket, sent)
      report.made += 1
    })
    open.set(socket, undefined)
    socket.resume()
    socket.on('error', () => undefined)
    socket.on('close', () => {
      if (open.delete(socket)) report.closedThere += 1
    })
  }
  while (performance.now() < endMs) {
    for (let missing = Math.min(AT_ONCE, count - open.size); missing > 0; missing -= 1) add()
    await sleep(open.size < count ? 20 : SLOW_TICK_MS)
    const opened = [...open].filter((each): each is [Socket, number] => each[1] !== undefined)
    report.openMax = Math.max(report.openMax, opened.length)
    for (const [socket, sent] of opened) {
      socket.write(request.slice(sent, sent + 1))
      open.set(socket, sent + 1)
    }
  }
  for (const socket of [...open.keys()]) {
    open.delete(socket)
    socket.destroy()
  }
  return report
}

/** Connections that are reset in the middle of a request, or behind a whole one whose answer nobody waits for. */
async function httpResets({ target, count, request }: FloodOrder): Promise<FloodReport> {
  let made = 0
  const one = (): Promise<void> =>
    new Promise((resolve) => {
      const part = made % 2 === 0 ? request : request.slice(0, made % request.length)
      made += 1
      const socket = connect({ port: target.port, host: '127.0.0.1', localAddress: OWN_ADDRESS }, () => {
        socket.write(part, () => socket.resetAndDestroy())
      })
      socket.on('error', () => undefined)
      socket.on('close', () => resolve())
    })
  const worker = async (): Promise<void> => {
    while (made < count) await one()
  }
  await Promise.all(Array.from({ length: RESETS_AT_ONCE }, worker))
  return { openMax: RESETS_AT_ONCE, made, closedThere: 0 }
}

/** Calls that are opened and reset at once, one in two with its whole message; on a new connection where one is closed. */
async function streamResets({ target, count, message }: FloodOrder): Promise<FloodReport> {
  const report = { openMax: 1, made: 0, closedThere: 0 }
  const bytes = Buffer.from(message, 'base64')
  const [host = '', port = ''] = target.grpcAddress.split(':')
  while (report.made < count) {
    const socket = connect({ host, port: Number(port), localAddress: OWN_ADDRESS })
    const reader = new FrameReader()
    socket.on('error', () => undefined)
    socket.on('data', (part: Buffer) => {
      for (const answer of reader.feed(part)) socket.write(answer)
    })
    socket.write(opening)
    let stream = 1
    while (!socket.destroyed && socket.writable && !reader.isLeaving && report.made < count) {
      const parts: Buffer[] = []
      for (let left = STREAMS_AT_ONCE; left > 0 && report.made < count; left -= 1) {
        const isWhole = report.made % 2 === 0
        parts.push(callHeaders(stream, PATH), ...(isWhole ? [endingData(stream, bytes)] : []), cancel(stream))
        report.made += 1
        stream += 2
      }
      await new Promise((resolve) => socket.write(Buffer.concat(parts), resolve))
      await sleep(1)
    }
    if (report.made < count) report.closedThere += 1
    socket.destroy()
  }
  return report
}
