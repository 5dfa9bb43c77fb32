import { Agent, type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from 'node:http'

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

export interface Asked {
  readonly method?: string
  readonly path: string
  readonly headers?: OutgoingHttpHeaders
  readonly body?: string | Buffer
}

const SUBMIT_PATH = '/v1/pcs/submit'
const ANSWER_TIMEOUT_MS = 10_000

/** Plain HTTP/1.1 over kept connections: what was answered, with nothing hidden or repeated. */
export class Client {
  readonly #agent: Agent

  constructor(
    readonly baseUrl: string,
    connectionsMax = 64,
  ) {
    this.#agent = new Agent({ keepAlive: true, maxSockets: connectionsMax })
  }

  /** @throws the socket's error when the connection breaks, or when no answer is complete after ten seconds. */
  ask({ method = 'GET', path, headers = {}, body }: Asked): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const given = Object.entries(headers).filter(([, value]) => value !== undefined)
      const options = { agent: this.#agent, method, headers: Object.fromEntries(given) }
      const asked = request(`${this.baseUrl}${path}`, options, (response) => {
        const parts: Buffer[] = []
        response.on('data', (part: Buffer) => parts.push(part))
        response.on('error', reject)
        response.on('end', () => {
          if (!response.complete) reject(new Error('the answer was cut'))
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(parts) })
        })
      })
      asked.setTimeout(ANSWER_TIMEOUT_MS, () => asked.destroy(new Error('no answer in ten seconds')))
      asked.on('error', reject)
      asked.end(body)
    })
  }

  get(path: string, headers: OutgoingHttpHeaders = {}): Promise<Answer> {
    return this.ask({ path, headers })
  }

  /** @param headers over the usual ones; undefined takes one out. */
  submit(record: string | Buffer, headers: OutgoingHttpHeaders = {}): Promise<Answer> {
    return this.ask({
      method: 'POST',
      path: SUBMIT_PATH,
      headers: {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(record),
        ...headers,
      },
      body: record,
    })
  }

  outcome(pcsId: string): Promise<Answer> {
    return this.get(`/v1/pcs/${pcsId}`)
  }

  close(): void {
    this.#agent.destroy()
  }
}

/** The body as JSON. */
export function json(answer: Answer): unknown {
  return JSON.parse(answer.body.toString('utf8'))
}
