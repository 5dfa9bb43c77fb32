import { BlockList, isIP, isIPv4 } from 'node:net'

/** Proxies whose word on who has called counts: addresses and networks. */
export class TrustedProxies {
  readonly #list = new BlockList()
  readonly #isEmpty: boolean

  /** @param networks '10.0.0.0/8', '::1', as `isNetwork` takes them */
  constructor(networks: readonly string[]) {
    this.#isEmpty = networks.length === 0
    for (const network of networks) {
      const [address = '', prefix] = network.split('/', 2)
      const family = isIPv4(address) ? 'ipv4' : 'ipv6'
      if (prefix === undefined) this.#list.addAddress(address, family)
      else this.#list.addSubnet(address, Number(prefix), family)
    }
  }

  /**
   * The client's address: the peer's, or, where that is a proxy that is trusted, the last one in X-Forwarded-For that is
   * none. What stands before it may have been written by anybody.
   * @param forwardedFor the field as it came
   */
  clientOf(peer: string, forwardedFor: string | undefined): string {
    let client = plain(peer)
    if (this.#isEmpty || forwardedFor === undefined) return client
    const hops = forwardedFor.split(',').map((hop) => plain(hop.trim()))
    for (let hop = hops.pop(); hop !== undefined && this.trusts(client); hop = hops.pop()) {
      if (isIP(hop) === 0) break
      client = hop
    }
    return client
  }

  /** Whether this address is one of theirs. */
  trusts(peer: string): boolean {
    const address = plain(peer)
    return isIP(address) !== 0 && this.#list.check(address, isIPv4(address) ? 'ipv4' : 'ipv6')
  }
}

/** Whether a text is an address, or a network with the length of its prefix. */
export function isNetwork(text: string): boolean {
  const [address = '', prefix, more] = text.split('/')
  const bits = isIPv4(address) ? 32 : 128
  if (isIP(address) === 0 || more !== undefined) return false
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits)
}

/** What counts as one client: an IPv4 address, or an IPv6 network of 64 bits, which is what one household or host gets. */
export function clientKey(address: string): string {
  if (isIP(address) !== 6) return address
  const [head = '', tail = ''] = address.split('::', 2)
  const before = head === '' ? [] : head.split(':')
  const after = tail === '' ? [] : tail.split(':')
  const missing = address.includes('::') ? 8 - before.length - after.length : 0
  const groups = [...before, ...Array<string>(Math.max(0, missing)).fill('0'), ...after]
  return groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, '').toLowerCase())
    .join(':')
}

/** An IPv4 address that came over an IPv6 socket is the IPv4 address. */
function plain(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1]
  return mapped ?? address
}
