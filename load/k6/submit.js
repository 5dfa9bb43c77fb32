// One submission of a user, and what is held against its answer.
import { check, sleep } from 'k6'
import crypto from 'k6/crypto'
import exec from 'k6/execution'
import http from 'k6/http'
import { Counter, Rate } from 'k6/metrics'
import { backendUrl, targetMistake } from './environment.js'
import { kinds, remember, submission } from './mix.js'

const THINK_SECONDS = 0.1
/** How long a submission may take for its user to be content; not the limit of the request. */
const CONTENT_MS = 500
const REQUEST_TIMEOUT = '10s'
const SHOWN_OF_EACH_USER = 1

const errors = new Rate('errors')
const signatureFailures = new Rate('signature_failures')
const dedupHits = new Rate('dedup_hits')
/** By name, so that what was sent can be held against what the product says. */
const sent = new Map(kinds.map((kind) => [kind, new Counter(`sent_${kind}`)]))
const STATUSES = [200, 202, 400, 401, 409, 429, 503]
const answers = new Map(STATUSES.map((status) => [status, new Counter(`answers_${status}`)]))
const otherAnswers = new Counter('answers_other')
const noAnswers = new Counter('answers_none')

/** @type {(kind: string) => number[]} */
const dueOf = (kind) => ({ bad_signature: [401], malformed: [400] })[kind] ?? [200, 202]
const paramsOf = new Map(
  kinds.map((kind) => [
    kind,
    {
      headers: { 'Content-Type': 'application/json' },
      responseCallback: http.expectedStatuses(...dueOf(kind)),
      tags: { name: 'submit' },
      timeout: REQUEST_TIMEOUT,
    },
  ]),
)
let shown = 0

/** k6's setup: the target may be loaded, and is ready. */
export function setup() {
  const mistake = targetMistake()
  if (mistake !== undefined) exec.test.abort(mistake)
  const ready = http.get(`${backendUrl}/ready`, { tags: { name: 'ready' } })
  if (ready.status !== 200) {
    exec.test.abort(
      `${backendUrl}/ready answered ${ready.status || ready.error}: start it, or name another BACKEND_URL`,
    )
  }
  const run = Array.from(new Uint8Array(crypto.randomBytes(8)), (byte) => byte.toString(16).padStart(2, '0'))
  console.log(`${backendUrl} is ${ready.json('status')}; this run is ${run.join('')}`)
  return { run: run.join(''), startedMs: Date.now() }
}

/**
 * k6's teardown.
 * @param {{ startedMs: number }} data
 */
export function teardown({ startedMs }) {
  console.log(`the run took ${((Date.now() - startedMs) / 1_000).toFixed(1)} s`)
}

/**
 * One submission.
 * @param {{ run: string }} data
 */
export function submit({ run }) {
  const { kind, body } = submission(run, exec.scenario.iterationInTest)
  sent.get(kind)?.add(1)
  const answer = http.post(`${backendUrl}/v1/pcs/submit`, body, paramsOf.get(kind))
  count(answer.status)
  const isValid = kind === 'new' || kind === 'duplicate'
  const isReplayed = answer.headers['Idempotent-Replayed'] === 'true'
  const isDue = dueOf(kind).includes(answer.status) && (kind !== 'duplicate' || isReplayed)
  errors.add(!isDue)
  if (isValid) {
    signatureFailures.add(answer.status === 401)
    dedupHits.add(isReplayed)
  }
  check(answer, {
    'valid: 200 or 202; bad: its 401 or 400': () => isDue,
    'never 5xx': ({ status }) => status < 500,
    'under 500 ms': ({ timings }) => timings.duration < CONTENT_MS,
  })
  if (kind === 'new' && isDue) remember(body)
  if (!isDue && shown++ < SHOWN_OF_EACH_USER) {
    console.warn(`${kind}: ${answer.status || answer.error} ${String(answer.body).slice(0, 300)}`)
  }
}

/**
 * A submission, and a pause before the next one.
 * @param {{ run: string }} data
 */
export function submitAndThink(data) {
  submit(data)
  sleep(THINK_SECONDS)
}

/** @param {number} status 0: there was no answer */
function count(status) {
  const counter = status === 0 ? noAnswers : (answers.get(status) ?? otherAnswers)
  counter.add(1)
}
