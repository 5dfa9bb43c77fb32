import { Client } from '../client.js'
import { seededRandom } from '../random.js'
import { recordBody } from './json.js'
import { promised, type SocketTarget } from './target.js'

/** What the contract's section 5 lets a submission be answered with. */
const STATUSES = new Set([200, 202, 400, 401, 409, 413, 429, 503])

/** Bodies of POST /v1/pcs/submit over kept connections. */
export const httpTarget: SocketTarget = {
  name: 'http',
  parallel: 32,
  input: (seed) => recordBody(seededRandom(seed)),
  open({ httpPort }) {
    const client = new Client(`http://127.0.0.1:${httpPort}`, 32)
    return {
      async send(body) {
        const { status, headers, body: answer } = await client.submit(body)
        promised(STATUSES.has(status), `a submission is not answered with ${status}: ${answer}`)
        const isProblem = status >= 400
        const type = isProblem ? /^application\/problem\+json(;|$)/ : /^application\/json(;|$)/
        promised(
          type.test(headers['content-type'] ?? ''),
          `${status} is not answered as ${headers['content-type']}`,
        )
        const document: Readonly<Record<string, unknown>> = JSON.parse(answer.toString())
        if (isProblem) promised(document.status === status, 'a problem has the status of its answer')
        else promised(typeof document.pcs_id === 'string', 'an outcome has an id')
        return headers['idempotent-replayed'] === 'true' ? `${status}, replayed` : String(status)
      },
      close: () => client.close(),
    }
  },
}
