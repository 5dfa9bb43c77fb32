import type { HostPort } from '@fractal-lba/runtime'
import type { RedisAccess, RedisPlaces } from './redis-config.js'
import { firstOf, LinkLost, partsOf, RedisLink, RefusedCommand } from './redis-link.js'

type SentinelPlaces = Extract<RedisPlaces, { readonly kind: 'sentinel' }>

/** Those who know which server is master. One of them is asked, another one when it does not answer. */
export class Sentinels {
  readonly #places: SentinelPlaces
  readonly #access: RedisAccess
  readonly #timeoutMs: number
  #link: RedisLink | undefined

  constructor(places: SentinelPlaces, access: RedisAccess, timeoutMs: number) {
    const { username, password } = places
    this.#places = places
    this.#access = { ...access, username, password, database: 0 }
    this.#timeoutMs = timeoutMs
  }

  /** @throws LinkLost when none of them answers; RefusedCommand */
  async master(): Promise<HostPort> {
    if (this.#link) {
      try {
        return await this.#ask(this.#link)
      } catch (error) {
        this.close()
        if (!(error instanceof LinkLost)) throw error
      }
    }
    return firstOf(this.#places.sentinels, async (address) => {
      const link = await RedisLink.open(address, this.#access, { timeoutMs: this.#timeoutMs })
      try {
        const master = await this.#ask(link)
        this.#link = link
        return master
      } catch (error) {
        link.close()
        throw error
      }
    })
  }

  close(): void {
    this.#link?.close()
    this.#link = undefined
  }

  async #ask(link: RedisLink): Promise<HostPort> {
    const [reply] = await link.run([['SENTINEL', 'get-master-addr-by-name', this.#places.master]])
    if (reply instanceof RefusedCommand) throw reply
    const [host, port] = partsOf(reply).map(String)
    if (host === undefined || port === undefined) {
      throw new LinkLost('the sentinel does not know this master group')
    }
    return { host, port: Number(port) }
  }
}
