import { reasons } from '@fractal-lba/pcs'
import { allProblems } from './problem.js'
import { faultToleranceSchema, PCS_ID_PATTERN, recordSchema } from './record.js'

const outcomeSchema = {
  type: 'object',
  description: 'The judgement of one record. It never changes; a duplicate gets it byte for byte.',
  required: ['pcs_id', 'accepted', 'escalated', 'recomputed_D_hat', 'recomputed_budget', 'regime', 'params'],
  properties: {
    pcs_id: { type: 'string', pattern: PCS_ID_PATTERN },
    accepted: { type: 'boolean' },
    escalated: { type: 'boolean', description: 'Somebody should look at it.' },
    reason: { enum: [...reasons], description: 'Why it was escalated; absent when it was not.' },
    message: { type: 'string', description: 'The reason’s sentence with its figures.' },
    recomputed_D_hat: { type: ['number', 'null'], description: 'Null where the judgement did not reach it.' },
    recomputed_budget: {
      type: ['number', 'null'],
      description: 'Null where the judgement did not reach it.',
    },
    regime: {
      oneOf: [{ $ref: '#/components/schemas/Regime' }, { type: 'null' }],
      description: 'The recomputed one.',
    },
    params: {
      type: 'string',
      description: 'Short hash of the parameters that the record was judged with.',
    },
  },
}

const problemSchema = {
  type: 'object',
  description: 'RFC 9457. Never holds anything of the payload.',
  required: ['type', 'title', 'status', 'detail', 'instance'],
  properties: {
    type: {
      type: 'string',
      format: 'uri-reference',
      enum: allProblems.map(({ slug }) => `/problems/${slug}`),
      description: 'The kind of problem; a page of this gateway that explains it.',
    },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string', description: 'A sentence about this occurrence.' },
    instance: { type: 'string', description: 'The request id, as in X-Request-Id.' },
    errors: {
      type: 'array',
      maxItems: 100,
      description: 'All that is wrong with the record; only of /problems/malformed.',
      items: {
        type: 'object',
        required: ['pointer', 'detail'],
        properties: {
          pointer: {
            type: 'string',
            maxLength: 128,
            description: 'RFC 6901, such as /N_j/8; empty for the whole.',
          },
          detail: { type: 'string' },
        },
      },
    },
  },
}

const readySchema = {
  type: 'object',
  required: ['status', 'dependencies'],
  properties: {
    status: {
      enum: ['ready', 'degraded', 'not_ready'],
      description:
        'degraded: the log takes records, something behind it is down or filling. not_ready: it does not, or the gateway is draining.',
    },
    detail: { type: 'string' },
    dependencies: {
      type: 'object',
      additionalProperties: {
        type: 'object',
        required: ['state'],
        properties: {
          state: { enum: ['up', 'down', 'filling', 'full', 'draining', 'retired', 'unknown'] },
          detail: { type: 'string' },
        },
      },
    },
  },
}

const batchAnswerSchema = {
  type: 'object',
  description: 'The answer to one line of a batch: an outcome, or a problem.',
  required: ['line', 'status'],
  properties: {
    line: { type: 'integer', minimum: 1, maximum: 1_000, description: 'Which line of the batch, from 1.' },
    status: { type: 'integer', description: 'What the record alone would have been answered with.' },
    replayed: { type: 'boolean', description: 'The outcome was stored before.' },
    outcome: { $ref: '#/components/schemas/Outcome' },
    retry_after: {
      type: 'integer',
      minimum: 1,
      description: 'Whole seconds to wait before the line is sent again; of a 429 or 503.',
    },
    problem: { $ref: '#/components/schemas/Problem' },
  },
  oneOf: [{ required: ['replayed', 'outcome'] }, { required: ['problem'] }],
}

export const schemas = {
  Record: recordSchema,
  FaultTolerance: faultToleranceSchema,
  Regime: { enum: ['sticky', 'mixed', 'non_sticky'] },
  Outcome: outcomeSchema,
  BatchAnswer: batchAnswerSchema,
  Problem: problemSchema,
  Ready: readySchema,
}
