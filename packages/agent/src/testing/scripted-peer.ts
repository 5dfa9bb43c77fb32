import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { fingerprint, type Pcs, parseRecord } from '@fractal-lba/pcs'

/**
 * What the peer does with a submission. `judge`: what a gateway does (first write wins, duplicates are replayed,
 * another content is a 409). `judge-then-reset`: the same, but the answer gets lost. `hang`: no answer, ever.
 */
export type Reaction =
  | 'judge'
  | 'judge-then-reset'
  | 'reset'
  | 'hang'
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string }

/** One submission that has arrived. */
export interface Arrival {
  readonly pcsId: string
  readonly outboxSeq: number
  readonly text: string
  readonly traceparent: string | undefined
  /** By the monotonic clock. */
  readonly atMs: number
  /** How often this id has arrived, this one included. */
  readonly times: number
}

/** A real HTTP server in the place of the gateway: it remembers first writes, and answers by a script. */
export class ScriptedPeer {
  readonly arrivals: Arrival[] = []
  /** How many records each batch had that was taken. */
  readonly batches: number[] = []
  /** An older gateway knows no batches. */
  takesBatches = true
  /** Stands before the lines of a batch are looked at. */
  batchScript: (lines: number) => Exclude<Reaction, string> | undefined = () => undefined
  /** Fingerprints of first writes, by id. */
  readonly stored = new Map<string, string>()
  /** How many answers gave a verdict as the first one, by id. */
  readonly firstVerdicts = new Map<string, number>()
  script: (arrival: Arrival) => Reaction = () => 'judge'
  /** Most requests that were under way at once. */
  underWayMax = 0
  #underWay = 0
  #port = 0
  readonly #server = createServer((request, response) => {
    this.#underWay += 1
    this.underWayMax = Math.max(this.underWayMax, this.#underWay)
    response.on('close', () => {
      this.#underWay -= 1
    })
    void this.#serve(request, response)
  })

  get endpoint(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  get port(): number {
    return this.#port
  }

  async start(port = 0): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(port, '127.0.0.1', resolve))
    const address = this.#server.address()
    if (address === null || typeof address === 'string') throw new Error('the peer is not listening')
    this.#port = address.port
    return this
  }

  /** Breaks every connection and listens no more. */
  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#server.closeAllConnections()
    await closed
  }

  arrivalsOf(pcsId: string): Arrival[] {
    return this.arrivals.filter((arrival) => arrival.pcsId === pcsId)
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    try {
      for await (const chunk of request) chunks.push(chunk)
    } catch {
      return // the sender was killed in the middle of its request: nothing has arrived
    }
    const text = Buffer.concat(chunks).toString()
    if (request.url?.endsWith('/batch')) return this.#serveBatch(text, request, response)
    const record = parseRecord(Buffer.from(text))
    const arrival = this.#arrive(text, record, request)
    const reaction = this.script(arrival)
    if (reaction === 'hang') return
    if (reaction === 'reset') request.socket.destroy()
    else if (typeof reaction === 'object') {
      response.writeHead(reaction.status, reaction.headers).end(reaction.body ?? '')
    } else {
      this.#judge(arrival, fingerprint(record).toString('hex'), response, reaction === 'judge-then-reset')
    }
  }

  #arrive(text: string, record: Pcs, request: IncomingMessage): Arrival {
    const arrival: Arrival = {
      pcsId: record.pcs_id,
      outboxSeq: record.ft.outbox_seq,
      text,
      traceparent: request.headers.traceparent as string | undefined,
      atMs: performance.now(),
      times: this.arrivalsOf(record.pcs_id).length + 1,
    }
    this.arrivals.push(arrival)
    return arrival
  }

  /** As the contract's section 9 has it. A line whose reaction is a reset breaks the connection behind the lines before. */
  #serveBatch(text: string, request: IncomingMessage, response: ServerResponse): void {
    const lines = text.split('\n').filter((line) => line !== '')
    const whole = this.takesBatches ? this.batchScript(lines.length) : problemReaction(404, 'unknown-path')
    if (whole) {
      response.writeHead(whole.status, whole.headers).end(whole.body ?? '')
      return
    }
    this.batches.push(lines.length)
    response.writeHead(200, { 'content-type': 'application/x-ndjson' })
    for (const [index, line] of lines.entries()) {
      const record = parseRecord(Buffer.from(line))
      const reaction = this.script(this.#arrive(line, record, request))
      if (reaction === 'hang') return
      if (reaction === 'reset') {
        response.destroy()
        return
      }
      const { pcs_id: pcsId } = record
      if (typeof reaction === 'object') {
        const wait = reaction.headers?.['retry-after']
        const told = wait === undefined ? '' : `"retry_after":${wait},`
        const { status, body } = reaction
        response.write(`{"line":${index + 1},"status":${status},${told}"problem":${body ?? '{}'}}\n`)
        continue
      }
      const known = this.stored.has(pcsId)
      if (!known) {
        this.stored.set(pcsId, fingerprint(record).toString('hex'))
        this.firstVerdicts.set(pcsId, 1)
      }
      const outcome = verdictOn(pcsId)
      response.write(`{"line":${index + 1},"status":200,"replayed":${known},"outcome":${outcome}}\n`)
    }
    response.end()
  }

  #judge({ pcsId }: Arrival, print: string, response: ServerResponse, loseAnswer: boolean): void {
    const known = this.stored.get(pcsId)
    if (known === undefined) this.stored.set(pcsId, print)
    if (loseAnswer) {
      response.socket?.destroy()
      return
    }
    if (known !== undefined && known !== print) {
      const { status, headers, body } = problemReaction(409, 'pcs-conflict', 'Conflict')
      response.writeHead(status, headers).end(body)
      return
    }
    if (known === undefined) this.firstVerdicts.set(pcsId, (this.firstVerdicts.get(pcsId) ?? 0) + 1)
    response
      .writeHead(200, known === undefined ? {} : { 'idempotent-replayed': 'true' })
      .end(verdictOn(pcsId))
  }
}

/** An answer of the gateway's own that is no outcome. */
export function problemReaction(
  status: number,
  slug: string,
  title = slug,
): { readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly body: string } {
  const body = JSON.stringify({ type: `/problems/${slug}`, title, status })
  return { status, headers: { 'content-type': 'application/problem+json' }, body }
}

/** The body of an outcome. */
export function verdictOn(pcsId: string): string {
  return JSON.stringify({ pcs_id: pcsId, accepted: true, escalated: false, params: '0123456789ab' })
}
