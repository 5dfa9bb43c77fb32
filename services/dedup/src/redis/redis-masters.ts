import type { HostPort } from '@fractal-lba/runtime'
import type { RedisAccess, RedisPlaces } from './redis-config.js'
import { firstOf, LinkLost, partsOf, RedisLink, RefusedCommand } from './redis-link.js'
import { SCRIPTS } from './scripts.js'
import { Sentinels } from './sentinels.js'
import { SLOTS, slotOf, tagFor } from './slots.js'

/** One of the servers that hold the entries, all of them or those of some slots. */
export interface RedisMaster {
  readonly link: RedisLink
  /** Of the key that is this master's own: its marker. */
  readonly tag: string
}

interface Place {
  readonly address: HostPort
  /** First and last; all of them where there is only one master. */
  readonly slots: readonly (readonly [number, number])[]
}

/** The masters of a deployment as they are now. They are found anew after every failure. */
export class RedisMasters {
  readonly list: readonly RedisMaster[]
  /** Which slots belong together; another text: keys have moved from master to master. */
  readonly layout: string
  readonly isCluster: boolean
  readonly #bySlot: readonly (RedisMaster | undefined)[]
  readonly #places: readonly Place[]
  readonly #sentinels: Sentinels | undefined

  private constructor(
    places: readonly Place[],
    links: readonly RedisLink[],
    sentinels: Sentinels | undefined,
    isCluster: boolean,
  ) {
    const bySlot: (RedisMaster | undefined)[] = isCluster ? new Array(SLOTS) : []
    this.list = links.map((link, index) => {
      const slots = places[index]?.slots ?? []
      const master = { link, tag: isCluster ? `{${tagFor(slots[0]?.[0] ?? 0)}}` : '' }
      if (isCluster) for (const [from, to] of slots) bySlot.fill(master, from, to + 1)
      return master
    })
    this.#places = places
    this.#sentinels = sentinels
    this.#bySlot = bySlot
    this.isCluster = isCluster
    this.layout = isCluster ? layoutOf(places) : 'one'
  }

  /** @throws LinkLost or RefusedCommand; then nothing is left open. */
  static async find(places: RedisPlaces, access: RedisAccess, timeoutMs: number): Promise<RedisMasters> {
    const sentinels = places.kind === 'sentinel' ? new Sentinels(places, access, timeoutMs) : undefined
    const links: RedisLink[] = []
    try {
      const found = await findPlaces(places, sentinels, access, timeoutMs)
      const opening = await Promise.allSettled(
        found.map(({ address }) => RedisLink.open(address, access, { timeoutMs, scripts: SCRIPTS })),
      )
      for (const result of opening) if (result.status === 'fulfilled') links.push(result.value)
      for (const result of opening) if (result.status === 'rejected') throw result.reason
      return new RedisMasters(found, links, sentinels, places.kind === 'cluster')
    } catch (error) {
      for (const link of links) link.close()
      sentinels?.close()
      throw error
    }
  }

  /** The one that has this key; undefined only where a part of the cluster has none. */
  of(key: Buffer): RedisMaster | undefined {
    return this.#bySlot.length === 0 ? this.list[0] : this.#bySlot[slotOf(key)]
  }

  /** The master at an address that a cluster has named. */
  at(address: string): RedisMaster | undefined {
    return this.list.find(({ link }) => `${link.address.host}:${link.address.port}` === address)
  }

  /** Whether these are still the masters, by the sentinels or the cluster itself. @throws LinkLost or RefusedCommand */
  async areCurrent(): Promise<boolean> {
    if (this.#sentinels) {
      try {
        return sameAddress(await this.#sentinels.master(), this.#places[0]?.address)
      } catch (error) {
        // While no sentinel answers, the masters stay as they are.
        if (error instanceof LinkLost) return true
        throw error
      }
    }
    const [first] = this.list
    if (!this.isCluster || !first) return true
    return describe(await askCluster(first.link)) === describe(this.#places)
  }

  close(): void {
    for (const { link } of this.list) link.close()
    this.#sentinels?.close()
  }
}

async function findPlaces(
  places: RedisPlaces,
  sentinels: Sentinels | undefined,
  access: RedisAccess,
  timeoutMs: number,
): Promise<readonly Place[]> {
  if (places.kind === 'standalone') return [{ address: places.address, slots: [] }]
  if (sentinels) return [{ address: await sentinels.master(), slots: [] }]
  return firstOf(places.kind === 'cluster' ? places.seeds : [], async (address) => {
    const seed = await RedisLink.open(address, access, { timeoutMs })
    return askCluster(seed).finally(() => seed.close())
  })
}

/** @throws LinkLost where some slots have no master. */
async function askCluster(link: RedisLink): Promise<Place[]> {
  const [reply] = await link.run([['CLUSTER', 'SLOTS']])
  if (reply instanceof RefusedCommand) throw reply
  const byAddress = new Map<string, { address: HostPort; slots: [number, number][] }>()
  let covered = 0
  for (const range of partsOf(reply)) {
    const [from, to, master] = partsOf(range)
    const [host, port] = partsOf(master)
    if (typeof from !== 'number' || typeof to !== 'number' || typeof port !== 'number') continue
    // Without a name of its own a node is to be reached where the answer came from.
    const name = Buffer.isBuffer(host) && host.length > 0 ? host.toString() : link.address.host
    const key = `${name}:${port}`
    const place = byAddress.get(key) ?? { address: { host: name, port }, slots: [] }
    place.slots.push([from, to])
    byAddress.set(key, place)
    covered += to - from + 1
  }
  if (covered < SLOTS) throw new LinkLost(`${SLOTS - covered} slots of the cluster have no master`)
  const found = [...byAddress.values()]
  for (const { slots } of found) slots.sort(([a], [b]) => a - b)
  return found.sort((a, b) => (a.slots[0]?.[0] ?? 0) - (b.slots[0]?.[0] ?? 0))
}

function sameAddress(a: HostPort, b: HostPort | undefined): boolean {
  return b !== undefined && a.host === b.host && a.port === b.port
}

/** Which slots share a master. It does not name the masters, so a failover does not change it. */
function layoutOf(places: readonly Place[]): string {
  return places.map(({ slots }) => slots.map(([from, to]) => `${from}-${to}`).join(',')).join(' ')
}

function describe(places: readonly Place[]): string {
  return `${places.map(({ address }) => `${address.host}:${address.port}`).join(' ')} ${layoutOf(places)}`
}
