import { describe, expect, it } from 'vitest'
import { dnsNames, isNamed } from './names.js'

describe('dnsNames', () => {
  it('are those of the alternative names, in lower case', () => {
    expect(dnsNames('DNS:Wal, IP Address:127.0.0.1, DNS:localhost, URI:spiffe://a/wal')).toEqual([
      'wal',
      'localhost',
    ])
    expect(dnsNames(undefined)).toEqual([])
  })

  it('take no name out of one that was made to look like several', () => {
    expect(dnsNames('DNS:"a, DNS:wal", DNS:b')).toEqual(['b'])
    expect(dnsNames('URI:"x, DNS:wal"')).toEqual([])
  })
})

describe('isNamed', () => {
  it('wants the whole name', () => {
    expect(isNamed('DNS:wal', ['wal'])).toBe(true)
    expect(isNamed('DNS:*', ['wal'])).toBe(false)
    expect(isNamed('DNS:wal.example', ['wal'])).toBe(false)
    expect(isNamed('email:wal', ['wal'])).toBe(false)
  })
})
