import { describe, expect, it } from 'vitest'
import { isInUtf8 } from './media-type.js'

describe('isInUtf8', () => {
  it.each([
    'application/json',
    'Application/JSON',
    'application/json;charset=utf-8',
    'application/json; charset=UTF-8',
    'application/json ; Charset=Utf-8',
    'application/json; charset="utf-8"',
    'application/json; charset="ut\\f-8"',
    'application/json;',
    'application/json; ;charset=utf-8; ',
    'application/json; version=1; charset=utf-8',
    'application/json; profile="a;charset=latin1"',
    'application/json\t',
  ])('yes: %j', (contentType) => expect(isInUtf8(contentType, 'application/json')).toBe(true))

  it.each([
    '',
    'json',
    'text/plain',
    'text/json',
    'application/jsonx',
    'application/json-seq',
    'application/problem+json',
    'application/x-www-form-urlencoded',
    'application/json, application/json',
    'application/json charset=utf-8',
    'application/json; charset=utf-16',
    'application/json; charset=utf8',
    'application/json; charset=iso-8859-1',
    'application/json; charset="utf-8',
    'application/json; charset=',
    'application/json; charset',
    'application/json; charset=utf-8; charset=latin1',
    'application/json; charset="utf-8"x',
    'application/json; charset=utf-8 x',
    'application/json; =utf-8',
    ' application/json',
  ])('no: %j', (contentType) => expect(isInUtf8(contentType, 'application/json')).toBe(false))
})
