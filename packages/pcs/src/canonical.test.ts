import { describe, expect, it } from 'vitest'
import { fieldsOf, signingVectors } from '../testing/vectors.js'
import { fingerprintText, pythonFloat, pythonString, round9, signingText } from './canonical.js'
import { fingerprint } from './fingerprint.js'

describe('round9', () => {
  it.each([
    [0, 0],
    [-0, -0],
    [1, 1],
    [0.73, 0.73],
    [0.1234567885, 0.123456789],
    [-0.1234567885, -0.123456789],
    [1.0000000005, 1.000000001],
    [0.12345678849999998, 0.123456788],
    [1e-9, 1e-9],
    [1e-10, 0],
    [-1e-10, -0],
    [5e-10, 1e-9],
    [-5e-10, -1e-9],
    [4.9999999999999e-10, 0],
    [-4.9999999999999e-10, -0],
    [5e-324, 0],
    [0.9999999995, 1],
    [0.99999999949, 0.999999999],
    [0.1 + 0.2, 0.3],
    [9999.1234567885, 9999.123456789],
    [12345.12345678951, 12345.12345679],
    [123456.1234567885, 123456.123456789],
    [5106809.1667274125, 5106809.166727413],
    [-6509475.1866332125, -6509475.186633213],
    [1234567.123456785, 1234567.123456785],
    [1234567.1234567896, 1234567.12345679],
    [9999999.999999998, 9999999.999999998],
    [12345678.12345678, 12345678.12345678],
    [1e21, 1e21],
    [-1.7976931348623157e308, -1.7976931348623157e308],
  ])('%d → %d', (x, rounded) => {
    expect(round9(x)).toBe(rounded)
    expect(round9(round9(x))).toBe(rounded)
  })
})

describe('pythonFloat', () => {
  it.each([
    [1, '1.0'],
    [0, '0.0'],
    [-0, '-0.0'],
    [0.73, '0.73'],
    [-1.5, '-1.5'],
    [0.0001, '0.0001'],
    [0.00009999999999999999, '9.999999999999999e-05'],
    [0.00001, '1e-05'],
    [0.000012346, '1.2346e-05'],
    [1e-9, '1e-09'],
    [-2.5e-17, '-2.5e-17'],
    [5e-324, '5e-324'],
    [123456789, '123456789.0'],
    [2 ** 53, '9007199254740992.0'],
    [9999999999999998, '9999999999999998.0'],
    [1e16, '1e+16'],
    [-1e16, '-1e+16'],
    [Number('12345678901234567890'), '1.2345678901234567e+19'],
    [1e22, '1e+22'],
    [1e100, '1e+100'],
    [1.7976931348623157e308, '1.7976931348623157e+308'],
  ])('%d', (x, text) => {
    expect(pythonFloat(x)).toBe(text)
  })
})

describe('pythonString', () => {
  it.each([
    ['', '""'],
    [' !#[]~', '" !#[]~"'],
    ['a"b\\c/d', '"a\\"b\\\\c/d"'],
    ['\b\f\n\r\t', '"\\b\\f\\n\\r\\t"'],
    ['\0\u001f\u007f\u0080', '"\\u0000\\u001f\\u007f\\u0080"'],
    ['é🚀', '"\\u00e9\\ud83d\\ude80"'],
    ['<a&b>', '"<a&b>"'],
  ])('%j', (s, text) => {
    expect(pythonString(s)).toBe(text)
  })
})

describe('the texts', () => {
  it.each(signingVectors.cases)('of the signature: $name', ({ pcs_json, payload }) => {
    expect(signingText(fieldsOf(pcs_json))).toBe(payload)
  })

  it.each(signingVectors.fingerprints)('of the fingerprint (%#)', ({ pcs_json, text, fingerprint_hex }) => {
    expect(fingerprintText(fieldsOf(pcs_json))).toBe(text)
    expect(fingerprint(fieldsOf(pcs_json)).toString('hex')).toBe(fingerprint_hex)
  })
})

describe('the fingerprint', () => {
  const [first] = signingVectors.fingerprints
  const pcs = fieldsOf(first?.pcs_json ?? '')

  it('is the same whatever the order of the keys of N_j, and for what signs as the same float', () => {
    expect(fingerprint({ ...pcs, N_j: new Map([...pcs.N_j].reverse()) })).toEqual(fingerprint(pcs))
    expect(fingerprint({ ...pcs, D_hat: pcs.D_hat + 1e-11 })).toEqual(fingerprint(pcs))
  })

  it.each(Object.keys(pcs) as (keyof typeof pcs)[])('covers %s', (field) => {
    const value = pcs[field]
    const changes: Partial<Record<keyof typeof pcs, unknown>> = {
      scales: [...pcs.scales].reverse(),
      N_j: new Map([...pcs.N_j].map(([key, count]) => [key, count + 1])),
      v_star: [pcs.v_star[0], pcs.v_star[1], pcs.v_star[2] + 1e-12],
    }
    const other = changes[field] ?? (typeof value === 'number' ? value + 1 : `${value}0`)
    expect(fingerprint({ ...pcs, [field]: other })).not.toEqual(fingerprint(pcs))
  })
})
