import { status as Grpc } from '@grpc/grpc-js'
import { describe, expect, it } from 'vitest'
import { fromItemStatus, fromMarkStatus, RecordFault } from './record-fault.js'

const isFault = (error: unknown): boolean => error instanceof RecordFault

describe('faults of one record', () => {
  it.each([
    ['INTERNAL', true, false],
    ['INVALID_ARGUMENT', false, true],
    ['UNAVAILABLE', false, false],
    ['FAILED_PRECONDITION', false, false],
    ['UNAUTHENTICATED', false, false],
  ] as const)('%s: of an item %s, of a mark %s', (name, ofItem, ofMark) => {
    const status = { code: Grpc[name], message: 'm', details: [] }
    expect(isFault(fromItemStatus(status))).toBe(ofItem)
    expect(isFault(fromMarkStatus(status))).toBe(ofMark)
  })

  it('are a 503 to the client', () => {
    expect(new RecordFault('m').code).toBe('unavailable')
  })
})
