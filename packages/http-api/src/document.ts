import {
  batchAnswers,
  headers,
  methodNotAllowed,
  metricsRefused,
  outcomeAnswers,
  plain,
  submitAnswers,
  unknownPath,
} from './answers.js'
import { batchExample, recordExample } from './examples.js'
import { PCS_ID_PATTERN } from './record.js'
import { schemas } from './schemas.js'

const READY = { $ref: '#/components/schemas/Ready' }

const requestId = {
  name: 'X-Request-Id',
  in: 'header',
  description:
    'Names this request in logs and in the answer. Any text may be sent: one that is not of the form [A-Za-z0-9-]{1,64} is replaced by a new id.',
  schema: { type: 'string' },
  example: 'order-17',
}
const traceparent = {
  name: 'traceparent',
  in: 'header',
  description: 'W3C trace context.',
  schema: { type: 'string' },
}

const html = (summary: string, operationId: string) => ({
  get: {
    operationId,
    tags: ['documentation'],
    summary,
    responses: { '200': plain(summary, 'text/html; charset=utf-8') },
  },
})

const homePage = html('A page for people: state, the last five minutes, last refusals', 'home').get
const problemPage = html('What a kind of problem means and what to do about it', 'problem').get

/** The HTTP interface, in OpenAPI 3.1. Written by hand: it is a promise, not a print of the code. */
export const openApiDocument = {
  openapi: '3.1.0',
  info: {
    title: 'Fractal LBA: HTTP interface',
    version: '0.1',
    license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    description: [
      'Takes in signed Proof-of-Computation Summaries, judges each once, and never changes a verdict.',
      'A submission that got no answer, or a 503, may be sent again: a record is judged once, whatever the number of copies, and its duplicate gets the stored outcome with `Idempotent-Replayed: true`.',
      'Every error is a problem document (RFC 9457, `application/problem+json`); its `type` is a page of this gateway. A path that exists answers other methods with 405 and `Allow`; `HEAD` is served as `GET`.',
      'The same is offered over gRPC (`flk.ingest.v1.IngestService`, with reflection), one port above.',
    ].join('\n\n'),
  },
  tags: [
    { name: 'records', description: 'Submit a record, read its outcome.' },
    { name: 'operations', description: 'For probes, load balancers and scrapers.' },
    { name: 'documentation', description: 'For people.' },
  ],
  paths: {
    '/v1/pcs/submit': {
      post: {
        operationId: 'submitRecord',
        tags: ['records'],
        summary: 'Submit a signed record',
        description:
          'The answer comes when the record is judged and its outcome is on the disk. The body has at most 65,536 bytes, no content encoding, and must be complete within 5 seconds (both configurable).',
        parameters: [requestId, traceparent],
        requestBody: {
          required: true,
          content: {
            'application/json': { schema: { $ref: '#/components/schemas/Record' }, example: recordExample },
          },
        },
        responses: { ...submitAnswers, '405': methodNotAllowed },
      },
    },
    '/v1/pcs/batch': {
      post: {
        operationId: 'submitBatch',
        tags: ['records'],
        summary: 'Submit up to 1,000 signed records, one a line',
        description: [
          'NDJSON: one record a line, ended by LF or CR LF. Each line is a submission of its own: it takes a token, is judged as a single record is, and has its own answer, in the order of the lines; a bad line harms no other. Empty lines are counted and not answered.',
          'The body has at most 1,000 lines and 4 MiB, each line at most 65,536 bytes (a longer one gets 413 in its answer), no content encoding, and must be complete within 30 seconds. It is read whole before anything is taken of it. Where the first line finds no token the whole is a 429, where it finds no room a 503; a later line gets its own 429 or 503, with `retry_after`.',
          'Lines are worked on side by side: of two with one pcs_id either may be first.',
        ].join('\n\n'),
        parameters: [requestId, traceparent],
        requestBody: {
          required: true,
          content: {
            'application/x-ndjson': {
              schema: {
                type: 'string',
                description: 'Each line is of the form Record.',
                pattern: '[^\\r\\n]',
              },
              example: batchExample,
            },
          },
        },
        responses: { ...batchAnswers, '405': methodNotAllowed },
      },
    },
    '/v1/pcs/{pcs_id}': {
      get: {
        operationId: 'getOutcome',
        tags: ['records'],
        summary: 'Read a stored outcome',
        description: 'With its original status. Acknowledges nothing by itself.',
        parameters: [
          {
            name: 'pcs_id',
            in: 'path',
            required: true,
            schema: { type: 'string', pattern: PCS_ID_PATTERN },
            example: recordExample.pcs_id,
          },
          requestId,
        ],
        responses: { ...outcomeAnswers, '405': methodNotAllowed },
      },
    },
    '/health': {
      get: {
        operationId: 'health',
        tags: ['operations'],
        summary: 'Whether the process is alive',
        responses: { '200': plain('It is.', 'text/plain; charset=utf-8', { const: 'OK' }) },
      },
    },
    '/ready': {
      get: {
        operationId: 'ready',
        tags: ['operations'],
        summary: 'Whether submissions can be sent here, and the state of each dependency',
        responses: {
          '200': plain('Ready, or degraded: the log takes records.', 'application/json', READY),
          '503': plain('Not ready.', 'application/json', READY),
        },
      },
    },
    '/metrics': {
      get: {
        operationId: 'metrics',
        tags: ['operations'],
        summary: 'Metrics in the text format of Prometheus',
        description: 'Asks for user and password where these are configured.',
        security: [{}, { metrics: [] }],
        responses: { '200': plain('All metrics.', 'text/plain'), '401': metricsRefused },
      },
    },
    '/metrics/exemplars': {
      get: {
        operationId: 'exemplars',
        tags: ['operations'],
        summary: 'Submissions by answer and duration in the format of OpenMetrics, with traces as exemplars',
        description: 'Asks for user and password where these are configured.',
        security: [{}, { metrics: [] }],
        responses: {
          '200': plain('Two of the metrics.', 'application/openmetrics-text'),
          '401': metricsRefused,
        },
      },
    },
    '/': {
      get: {
        ...homePage,
        description: 'Asks for user and password where these are configured for the metrics.',
        security: [{}, { metrics: [] }],
        responses: { ...homePage.responses, '401': metricsRefused },
      },
    },
    '/docs': html('This description, to be read and tried out', 'docs'),
    '/problems': html('All kinds of problems', 'problems'),
    '/problems/{slug}': {
      get: {
        ...problemPage,
        responses: { ...problemPage.responses, '404': unknownPath },
        parameters: [
          { name: 'slug', in: 'path', required: true, schema: { type: 'string' }, example: 'malformed' },
        ],
      },
    },
    '/openapi.json': {
      get: {
        operationId: 'openapi',
        tags: ['documentation'],
        summary: 'This description',
        responses: { '200': plain('OpenAPI 3.1.', 'application/json', { type: 'object' }) },
      },
    },
  },
  components: {
    schemas,
    headers,
    securitySchemes: { metrics: { type: 'http', scheme: 'basic' } },
  },
}
