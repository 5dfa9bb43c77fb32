import { AppError, unavailable } from '@fractal-lba/runtime'
import { describe, expect, it } from 'vitest'
import { RecordFault } from './clients/record-fault.js'
import { isOwnFault } from './replay.js'

describe('isOwnFault', () => {
  it.each<[string, unknown, boolean]>([
    ['a mistake of a service over this record', new RecordFault('m'), true],
    ['a mistake of the gateway', new TypeError('m'), true],
    ['an outage', unavailable('down'), false],
    ['an index that was replaced', new AppError('superseded', 'm'), false],
  ])('%s: %s', (_, error, own) => {
    expect(isOwnFault(error)).toBe(own)
  })
})
