import { describe, expect, it } from 'vitest'
import { namedTarget, TargetError } from './target.js'

const env = { PCS_HMAC_KEY: 'a key for tests' }

describe('a target that BACKEND_URL names', () => {
  it('is loaded where it is this machine, with the metrics of all its processes', () => {
    const target = namedTarget('http://127.0.0.1:9000/', undefined, env)
    expect(target).toMatchObject({ baseUrl: 'http://127.0.0.1:9000', grpcAddress: '127.0.0.1:9001' })
    expect(target.metricsUrls.get('gateway')).toBe('http://127.0.0.1:9000/metrics')
    expect(target.metricsUrls.get('wal')).toBe('http://127.0.0.1:10002/metrics')
    for (const url of ['http://localhost:1', 'http://[::1]:1'])
      expect(namedTarget(url, undefined, env).own).toBeUndefined()
  })

  it('is refused where it is another one, unless it is named once more', () => {
    const elsewhere = 'https://pcs.example.com'
    expect(() => namedTarget(elsewhere, undefined, env)).toThrow('--target pcs.example.com')
    expect(() => namedTarget(elsewhere, 'example.com', env)).toThrow(TargetError)
    expect(() => namedTarget('http://127.0.0.1.example.com', undefined, env)).toThrow(TargetError)
    const named = namedTarget(elsewhere, 'pcs.example.com', env)
    expect(named.metricsUrls).toEqual(new Map([['gateway', `${elsewhere}/metrics`]]))
    expect(named.grpcAddress).toBe('pcs.example.com:444')
  })

  it('needs a key, and a URL that is one', () => {
    expect(() => namedTarget('http://127.0.0.1:9000', undefined, {})).toThrow('PCS_HMAC_KEY')
    for (const text of ['127.0.0.1:8080', 'ftp://127.0.0.1', 'nothing'])
      expect(() => namedTarget(text, undefined, env)).toThrow('no http or https URL')
  })
})
