import { status as Grpc, Metadata } from '@grpc/grpc-js'
import { describe, expect, it } from 'vitest'
import {
  AppError,
  type ErrorCode,
  errorTable,
  fromServiceError,
  fromStatus,
  toServiceError,
  toStatus,
} from './errors.js'

describe('the table of errors', () => {
  it.each<[ErrorCode, number, Grpc]>([
    ['malformed', 400, Grpc.INVALID_ARGUMENT],
    ['unauthenticated', 401, Grpc.UNAUTHENTICATED],
    ['pcs_not_found', 404, Grpc.NOT_FOUND],
    ['unknown_path', 404, Grpc.UNIMPLEMENTED],
    ['method_not_allowed', 405, Grpc.UNIMPLEMENTED],
    ['body_timeout', 408, Grpc.DEADLINE_EXCEEDED],
    ['pcs_conflict', 409, Grpc.ALREADY_EXISTS],
    ['too_large', 413, Grpc.RESOURCE_EXHAUSTED],
    ['unsupported_media_type', 415, Grpc.INVALID_ARGUMENT],
    ['rate_limited', 429, Grpc.RESOURCE_EXHAUSTED],
    ['internal', 500, Grpc.INTERNAL],
    ['unavailable', 503, Grpc.UNAVAILABLE],
    ['superseded', 503, Grpc.FAILED_PRECONDITION],
  ])('maps %s to %i and gRPC %i', (code, http, grpc) => {
    expect(errorTable[code]).toMatchObject({ http, grpc })
  })

  it.each<ErrorCode>([
    'malformed',
    'unauthenticated',
    'pcs_not_found',
    'pcs_conflict',
    'unavailable',
    'superseded',
  ])('brings %s over a service border and back', (code) => {
    const error = new AppError(code, 'a sentence', { violations: [{ pointer: '/a', detail: 'b' }] })
    expect(fromStatus(toStatus(error))).toMatchObject({
      code,
      message: 'a sentence',
      violations: error.violations,
    })
    const sent = toServiceError(error)
    expect(fromServiceError({ ...sent, name: 'Error' })).toMatchObject({ code, violations: error.violations })
  })

  it('keeps the text of an unexpected error inside', () => {
    expect(toStatus(new Error('secret')).message).not.toContain('secret')
    expect(toStatus(new Error('secret')).code).toBe(Grpc.INTERNAL)
  })

  it('keeps the sentence of the transport inside, which names addresses', () => {
    const details = 'Deadline exceeded after 0.999s,remote_addr=127.0.0.1:14944'
    const sent = {
      code: Grpc.DEADLINE_EXCEEDED,
      details,
      metadata: new Metadata(),
      name: 'Error',
      message: details,
    }
    const error = fromServiceError(sent)
    expect(error.code).toBe('unavailable')
    expect(error.message).not.toContain('127.0.0.1')
    expect(error.cause).toBe(sent)
  })

  it('tells when to try again', () => {
    const [detail] = toStatus(new AppError('rate_limited', 'slow down', { retryAfterMs: 1500 })).details
    expect(detail?.typeUrl).toBe('type.googleapis.com/google.rpc.RetryInfo')
  })
})
