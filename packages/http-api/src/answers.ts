import { acceptedExample, batchAnswerExample, escalatedExample } from './examples.js'
import { PROBLEM_CONTENT_TYPE, type ProblemKind, recordProblems, transportProblems } from './problem.js'

const text = (description: string) => ({ description, schema: { type: 'string' } })
const header = (name: string) => ({ [name]: { $ref: `#/components/headers/${name}` } })

export const headers = {
  'X-Request-Id': text('The request’s own id where it has the form [A-Za-z0-9-]{1,64}, else a new one.'),
  'Idempotent-Replayed': {
    description: '`true`: the outcome was stored before this request came. Absent otherwise.',
    schema: { const: 'true' },
  },
  'Retry-After': {
    description: 'Whole seconds to wait before the next try.',
    schema: { type: 'integer', minimum: 1 },
  },
  RateLimit: {
    ...text(
      'What is left in the gateway’s bucket: `r` submissions now, full again in `t` seconds. Absent without a limit.',
    ),
    example: '"default";r=999;t=1',
  },
  'RateLimit-Policy': {
    ...text('What the bucket holds: `q` submissions in `w` seconds. Absent without a limit.'),
    example: '"default";q=1000;w=1',
  },
  'WWW-Authenticate': text('`PCS-Signature` for a record, `Basic` for the metrics.'),
  traceresponse: {
    ...text(
      'The trace of this submission, in the form of W3C Trace Context. Absent where none was recorded.',
    ),
    example: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
  },
  Allow: text('The methods that the path takes.'),
}

const ALWAYS = header('X-Request-Id')
const RATE = { ...header('RateLimit'), ...header('RateLimit-Policy') }
const SUBMIT = { ...RATE, ...header('traceresponse') }

function outcome(description: string, example: object, more: object) {
  const content = { 'application/json': { schema: { $ref: '#/components/schemas/Outcome' }, example } }
  return { description, headers: { ...ALWAYS, ...more }, content }
}

/** @param kinds one or more of the same status */
function problem(kinds: readonly ProblemKind[], more: object = {}) {
  const example = kinds[0] && {
    type: `/problems/${kinds[0].slug}`,
    title: kinds[0].title,
    status: kinds[0].status,
    detail: '…',
    instance: '3f9a5c0d21b7-1k',
  }
  return {
    description: kinds.map(({ title, slug }) => `${title} ([${slug}](/problems/${slug})).`).join(' '),
    headers: { ...ALWAYS, ...more },
    content: { [PROBLEM_CONTENT_TYPE]: { schema: { $ref: '#/components/schemas/Problem' }, example } },
  }
}

const of = recordProblems

/** What `POST /v1/pcs/submit` answers, by status. */
export const submitAnswers = {
  '200': outcome('Accepted. Also for a duplicate of a record that was answered so.', acceptedExample, {
    ...SUBMIT,
    ...header('Idempotent-Replayed'),
  }),
  '202': outcome('Escalated, accepted or not: see `accepted` and `reason`.', escalatedExample, {
    ...SUBMIT,
    ...header('Idempotent-Replayed'),
  }),
  '400': problem([of.malformed, transportProblems.not_http], SUBMIT),
  '401': problem([of.unauthenticated], { ...SUBMIT, ...header('WWW-Authenticate') }),
  '408': problem([of.body_timeout], RATE),
  '409': problem([of.pcs_conflict], SUBMIT),
  '413': problem([of.too_large], RATE),
  '415': problem([of.unsupported_media_type], RATE),
  '429': problem([of.rate_limited], { ...SUBMIT, ...header('Retry-After') }),
  '431': problem([transportProblems.headers_too_large]),
  '500': problem([of.internal], SUBMIT),
  '503': problem([of.unavailable], { ...SUBMIT, ...header('Retry-After') }),
}

/** What `POST /v1/pcs/batch` answers, by status. */
export const batchAnswers = {
  '200': {
    description:
      'A line of JSON for each line that was not empty, in their order, each of the form BatchAnswer. They come while the rest is worked on: where the connection breaks, send the lines again whose answers have not come.',
    headers: { ...ALWAYS, ...SUBMIT },
    content: { 'application/x-ndjson': { schema: { type: 'string' }, example: batchAnswerExample } },
  },
  '400': problem([of.malformed, transportProblems.not_http], RATE),
  '408': problem([of.body_timeout], RATE),
  '413': problem([of.too_large], RATE),
  '415': problem([of.unsupported_media_type], RATE),
  '429': problem([of.rate_limited], { ...RATE, ...header('Retry-After') }),
  '431': problem([transportProblems.headers_too_large]),
  '500': problem([of.internal], RATE),
  '503': problem([of.unavailable], { ...RATE, ...header('Retry-After') }),
}

/** What `GET /v1/pcs/{pcs_id}` answers, by status. */
export const outcomeAnswers = {
  '200': outcome(
    'The stored outcome of a record that was accepted.',
    acceptedExample,
    header('Idempotent-Replayed'),
  ),
  '202': outcome(
    'The stored outcome of a record that was escalated.',
    escalatedExample,
    header('Idempotent-Replayed'),
  ),
  '404': problem([of.pcs_not_found, of.unknown_path]),
  '503': problem([of.unavailable], header('Retry-After')),
}

export const metricsRefused = problem([transportProblems.metrics_credentials], header('WWW-Authenticate'))

/** An answer that is neither an outcome nor a problem. */
export function plain(description: string, type: string, schema: object = { type: 'string' }) {
  return { description, headers: ALWAYS, content: { [type]: { schema } } }
}

/** A parameter of the path names nothing. */
export const unknownPath = problem([of.unknown_path])

/** Every path gives it to a method that it does not take. */
export const methodNotAllowed = problem([of.method_not_allowed], header('Allow'))
