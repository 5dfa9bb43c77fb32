import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { TrustedProxies } from './client-address.js'
import { ConnectionShares } from './connection-shares.js'

class Connection extends EventEmitter {
  destroyed = false
  constructor(readonly remoteAddress: string | undefined) {
    super()
  }
  destroy(): void {
    this.destroyed = true
    this.emit('close')
  }
}

function sharesOf(connectionsMax: number, trusted: readonly string[] = []) {
  let dropped = 0
  const onDropped = (): number => dropped++
  const shares = new ConnectionShares({ connectionsMax, proxies: new TrustedProxies(trusted), onDropped })
  const open = (address: string | undefined): Connection => {
    const connection = new Connection(address)
    shares.take(connection as unknown as Socket)
    return connection
  }
  return { open, dropped: () => dropped }
}

describe('open connections', () => {
  it('of one client are half of all at most; others get in', () => {
    const { open, dropped } = sharesOf(5)
    const mine = Array.from({ length: 5 }, () => open('192.0.2.1'))
    expect(mine.map(({ destroyed }) => destroyed)).toEqual([false, false, false, true, true])
    expect(open('192.0.2.2').destroyed).toBe(false)
    expect(dropped()).toBe(2)
  })

  it('that have closed count no more', () => {
    const { open } = sharesOf(2)
    open('192.0.2.1').destroy()
    const next = open('192.0.2.1')
    expect(next.destroyed).toBe(false)
    expect(open('192.0.2.1').destroyed).toBe(true)
    next.destroy()
    expect(open('192.0.2.1').destroyed).toBe(false)
  })

  it('of one household are one client’s, whatever their form', () => {
    const { open } = sharesOf(2)
    open('2001:db8::1')
    expect(open('2001:db8:0:0:5::9').destroyed).toBe(true)
    open('192.0.2.1')
    expect(open('::ffff:192.0.2.1').destroyed).toBe(true)
  })

  it('of a proxy that is trusted are of many', () => {
    const { open } = sharesOf(2, ['192.0.2.0/24'])
    expect(
      [open('::ffff:192.0.2.1'), open('192.0.2.1'), open(undefined)].some(({ destroyed }) => destroyed),
    ).toBe(false)
  })
})
