import { describe, expect, it } from 'vitest'
import { readEvents } from './csv.js'
import { rowsOf } from './rows.js'

describe('rows', () => {
  it('hold the time with nine decimals and the coordinates as written', () => {
    const events = readEvents('timestamp,x,y,z\r\n1700000000.123456,1.50,-0,+2e1\r\n0.0009765625,.5,5.,0\r\n')
    expect(rowsOf(events).toString()).toBe('1700000000.123456001,1.50,-0,+2e1\n0.000976562,.5,5.,0')
  })

  it('grow beyond what times usually take', () => {
    const events = readEvents(`timestamp,x,y,z\n${'1e300,1,2,3\n'.repeat(1_000)}`)
    const rows = rowsOf(events).toString().split('\n')
    expect(rows).toHaveLength(1_000)
    expect(new Set(rows)).toEqual(new Set([`${BigInt(1e300)}.000000000,1,2,3`]))
  })

  it('are empty without events', () => {
    expect(rowsOf(readEvents('')).toString()).toBe('')
  })
})
