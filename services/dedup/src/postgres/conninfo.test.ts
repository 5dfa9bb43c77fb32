import { describe, expect, it } from 'vitest'
import { ConninfoError, parseConninfo } from './conninfo.js'

const parsed = (text: string): Record<string, string> => Object.fromEntries(parseConninfo(text))

describe('a connection string', () => {
  it.each([
    ['', {}],
    ['  host=h  port=1 ', { host: 'h', port: '1' }],
    ['host = h port= 1', { host: 'h', port: '1' }],
    ["password='a b' user=u", { password: 'a b', user: 'u' }],
    ["password='it\\'s' user=u", { password: "it's", user: 'u' }],
    ["password='back\\\\slash'", { password: 'back\\slash' }],
    ["password=it\\'s\\ me user=u", { password: "it's me", user: 'u' }],
    ["password='' user=u", { password: '', user: 'u' }],
    ['password=a=b', { password: 'a=b' }],
    ["host=a host=b application_name='x\ny'", { host: 'b', application_name: 'x\ny' }],
    ["a='1'b='2'", { a: '1', b: '2' }],
    ['password=end\\', { password: 'end' }],
  ])('%j is read as libpq reads it', (text, settings) => {
    expect(parsed(text)).toEqual(settings)
  })

  it.each([
    ['postgresql://', {}],
    ['postgres://h', { host: 'h' }],
    ['postgresql://u:p%40s%3As@h:1/db', { user: 'u', password: 'p@s:s', host: 'h', port: '1', dbname: 'db' }],
    ['postgresql://u@[::1]:1/db', { user: 'u', host: '::1', port: '1', dbname: 'db' }],
    ['postgresql:///db?host=/run/pg&port=2', { dbname: 'db', host: '/run/pg', port: '2' }],
    ['postgresql://%2Frun%2Fpg/db', { host: '/run/pg', dbname: 'db' }],
    [
      'postgresql://h/db?sslmode=verify-full&application_name=a%20b',
      {
        ...{ host: 'h', dbname: 'db', sslmode: 'verify-full', application_name: 'a b' },
      },
    ],
    ['postgresql://h?ssl=true', { host: 'h', sslmode: 'require' }],
    ['postgresql://h?options=-c%20x%3D1', { host: 'h', options: '-c x=1' }],
  ])('%j is read as the URL that it is', (text, settings) => {
    expect(parsed(text)).toEqual(settings)
  })

  it.each([
    'host',
    'host=h s3cret',
    '=s3cret',
    "password='s3cret",
    "s3cret='",
    'postgresql://u:s3cret%zz@h',
    'postgresql://u:s3cret@a:1,b:2/db',
    'postgresql://u:s3cret@h:port',
    'postgresql://h?s3cret',
  ])('%j is refused without being told', (text) => {
    expect(() => parseConninfo(text)).toThrow(ConninfoError)
    try {
      parseConninfo(text)
    } catch (error) {
      expect(String(error)).not.toContain('s3cret')
    }
  })
})
