import { type ErrorCode, errorTable, type Violation } from '@fractal-lba/runtime'

/** A kind of problem: one row of the contract's section 5, as RFC 9457 tells it, and the page that explains it. */
export interface ProblemKind {
  /** The last part of `type`, `/problems/<slug>`. */
  readonly slug: string
  readonly status: number
  readonly title: string
  /** What happened, for the page. */
  readonly meaning: string
  /** What to do about it, for the page. */
  readonly remedy: string
}

/** What a client sees of `superseded` is that it must try again: it has no problem of its own. */
type PublicCode = Exclude<ErrorCode, 'superseded'>

function kind(code: PublicCode, meaning: string, remedy: string): ProblemKind {
  const { http, title } = errorTable[code]
  return { slug: code.replaceAll('_', '-'), status: http, title, meaning, remedy }
}

/** Problems of records and requests that the error table names. */
export const recordProblems: Readonly<Record<PublicCode, ProblemKind>> = {
  malformed: kind(
    'malformed',
    'The body is not one JSON object in strict form, or fields of the record are missing, of the wrong type or out of their range.',
    'Look at “errors”: it lists each mistake with a JSON pointer to its place. Mend the record and send it again; sending the same bytes again gives the same answer.',
  ),
  unauthenticated: kind(
    'unauthenticated',
    'The field “sig” is missing, malformed, or does not verify under any key that this gateway knows. The answer does not say which.',
    'Sign the record with the agent’s current key. After a rotation, old keys are refused once they are removed.',
  ),
  pcs_not_found: kind(
    'pcs_not_found',
    'No outcome is stored under this pcs_id: the record was never judged, or its time to live has passed.',
    'Submit the record. An outcome can be read as soon as its submission has been answered.',
  ),
  unknown_path: kind(
    'unknown_path',
    'Nothing is served at this path. A trailing slash makes another path, and a pcs_id is 64 lower-case hexadecimal digits.',
    'Compare the path with those in /openapi.json.',
  ),
  method_not_allowed: kind(
    'method_not_allowed',
    'The path exists, but not for this method.',
    'Use one of the methods that the header Allow names.',
  ),
  body_timeout: kind(
    'body_timeout',
    'Headers or body were not complete in the time a request may take. The connection was closed; nothing was recorded.',
    'Send the request again, in one go.',
  ),
  pcs_conflict: kind(
    'pcs_conflict',
    'A record with this pcs_id and other content has been judged before. The first stands and is never overwritten.',
    'Read the stored outcome with GET /v1/pcs/{pcs_id}. If yours is the honest record, somebody else was first: report it.',
  ),
  too_large: kind(
    'too_large',
    'The body has more bytes than this gateway takes (65,536 unless configured otherwise); or a batch has more than 1,000 lines or 4 MiB.',
    'A record has about a thousand bytes. Send one record per request to /v1/pcs/submit, or one per line, in smaller batches, to /v1/pcs/batch.',
  ),
  unsupported_media_type: kind(
    'unsupported_media_type',
    'The body is not declared as application/json (a batch: application/x-ndjson) in UTF-8, or it has a content encoding.',
    'Send “Content-Type: application/json”, or “application/x-ndjson” with a batch, once, without compression.',
  ),
  rate_limited: kind(
    'rate_limited',
    'The gateway’s token bucket is empty. Nothing was recorded.',
    'Wait for the seconds in Retry-After. RateLimit and RateLimit-Policy on every answer tell how much is left.',
  ),
  internal: kind(
    'internal',
    'The gateway met an error of its own.',
    'Try again; if it stays, give the request id (“instance”) to whoever runs this gateway.',
  ),
  unavailable: kind(
    'unavailable',
    'The log, a service or a store could not do its part in time, or there is no room for new records. The record may or may not be in the log; no outcome of it was told.',
    'Send the same record again after Retry-After. That is always safe: a record is judged once.',
  ),
}

/** Problems that arise before there is a request, or beside the record. */
export const transportProblems = {
  not_http: {
    slug: 'not-http',
    status: 400,
    title: 'The request is not valid HTTP/1.1',
    meaning: 'The bytes on the connection could not be read as an HTTP request. The connection was closed.',
    remedy:
      'Check the client: a wrong Content-Length, a missing Host header and TLS on a plain port are frequent.',
  },
  headers_too_large: {
    slug: 'headers-too-large',
    status: 431,
    title: 'The headers are too large',
    meaning:
      'Request line and headers together have more bytes than a request may have. The connection was closed.',
    remedy: 'Send fewer or shorter headers.',
  },
  metrics_credentials: {
    slug: 'metrics-credentials',
    status: 401,
    title: 'User and password are needed',
    meaning: 'The metrics of this gateway are protected.',
    remedy: 'Use HTTP Basic authentication with the configured METRICS_USER and METRICS_PASS.',
  },
} as const satisfies Record<string, ProblemKind>

export const allProblems: readonly ProblemKind[] = [
  ...Object.values(recordProblems),
  ...Object.values(transportProblems),
]

export const PROBLEM_CONTENT_TYPE = 'application/problem+json'

/** The contract's section 5: never more entries than this. */
const VIOLATIONS_MAX = 100

export function problemOf(code: ErrorCode): ProblemKind {
  return recordProblems[code === 'superseded' ? 'unavailable' : code]
}

/**
 * The problem document, RFC 9457, as JSON.
 * @param instance the request id
 */
export function renderProblem(
  { slug, title, status }: ProblemKind,
  detail: string,
  instance: string,
  violations: readonly Violation[] = [],
): string {
  const document = { type: `/problems/${slug}`, title, status, detail, instance }
  if (violations.length === 0) return JSON.stringify(document)
  const errors = violations.slice(0, VIOLATIONS_MAX).map(({ pointer, detail }) => ({ pointer, detail }))
  return JSON.stringify({ ...document, errors })
}
