import { describe, expect, it } from 'vitest'
import { readEvents } from './csv.js'
import { rowsText } from './rows.js'

describe('rows', () => {
  it('hold the time with nine decimals and the coordinates as written', () => {
    const events = readEvents('timestamp,x,y,z\r\n1700000000.123456,1.50,-0,+2e1\r\n0.0009765625,.5,5.,0\r\n')
    expect(rowsText(events)).toBe('1700000000.123456001,1.50,-0,+2e1\n0.000976562,.5,5.,0')
  })

  it('are empty without events', () => {
    expect(rowsText(readEvents(''))).toBe('')
  })
})
