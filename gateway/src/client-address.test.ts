import { describe, expect, it } from 'vitest'
import { clientKey, isNetwork, TrustedProxies } from './client-address.js'

describe('the client behind a proxy', () => {
  const proxies = new TrustedProxies(['10.0.0.0/8', '::1', '2001:db8::/32'])

  it.each([
    ['192.0.2.1', undefined, '192.0.2.1'],
    // Whoever is no proxy of ours may write what it likes.
    ['192.0.2.1', '198.51.100.7', '192.0.2.1'],
    ['10.1.2.3', undefined, '10.1.2.3'],
    ['10.1.2.3', '198.51.100.7', '198.51.100.7'],
    ['::ffff:10.1.2.3', '198.51.100.7', '198.51.100.7'],
    ['::1', '198.51.100.7, 10.9.9.9', '198.51.100.7'],
    // The first ones were written by the client.
    ['10.1.2.3', '203.0.113.9, 198.51.100.7', '198.51.100.7'],
    ['10.1.2.3', '203.0.113.9, 198.51.100.7, 10.0.0.1', '198.51.100.7'],
    ['10.1.2.3', 'unknown', '10.1.2.3'],
    ['10.1.2.3', '198.51.100.7, unknown', '10.1.2.3'],
    ['10.1.2.3', '', '10.1.2.3'],
    ['2001:db8::5', '2001:db9::1', '2001:db9::1'],
  ])('%s with %s is %s', (peer, forwardedFor, client) => {
    expect(proxies.clientOf(peer, forwardedFor)).toBe(client)
  })

  it('is not looked for where no proxy is trusted', () => {
    expect(new TrustedProxies([]).clientOf('10.1.2.3', '198.51.100.7')).toBe('10.1.2.3')
  })
})

describe('what counts as one client', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['2001:db8:0:1:aaaa::1', '2001:db8:0:1'],
    ['2001:0DB8::1:0:0:0:1', '2001:db8:0:1'],
    ['2001:db8:0:2::', '2001:db8:0:2'],
    ['::1', '0:0:0:0'],
    ['', ''],
  ])('%s: %s', (address, key) => expect(clientKey(address)).toBe(key))
})

it.each([
  ['10.0.0.0/8', true],
  ['10.0.0.1', true],
  ['::/0', true],
  ['2001:db8::/129', false],
  ['10.0.0.0/33', false],
  ['10.0.0.0/', false],
  ['10.0.0.0/8/8', false],
  ['host', false],
])('%s is a network: %s', (text, is) => expect(isNetwork(text)).toBe(is))
