import {
  builtPrograms,
  type Constellation,
  type Environment,
  type TestSite,
  testSite,
} from '@fractal-lba/local'
import { onTestFinished } from 'vitest'
import { repositoryRoot } from '../../src/branch.js'
import { Client } from '../../src/client.js'
import { Metrics } from '../../src/metrics.js'
import { addressOf, opsUrlOf, System } from '../../src/system.js'
import { Account } from './system-findings.js'

/** Two gateways, each with a dedup of its own, over one log, one verifier, one scoring and one store. */
export class StorePair {
  readonly clients: readonly [Client, Client]
  /** What all agents of this log know. */
  readonly account = new Account()
  readonly #second: Constellation
  readonly #sites: readonly TestSite[]

  private constructor(
    readonly system: System,
    second: Constellation,
    sites: readonly TestSite[],
  ) {
    this.#second = second
    this.#sites = sites
    this.clients = [system.client, new Client(second.baseUrl)]
  }

  /** @param env what both dedups are told, and every other process as well. */
  static async start(label: string, env: Environment): Promise<StorePair> {
    const sites = await Promise.all([testSite(label), testSite(`${label}-second`)])
    const [first, other] = sites
    try {
      const system = await System.start(first, label, { env })
      const of = (name: 'wal' | 'verifier' | 'signal-scoring'): string => addressOf(first, name)
      const programs = builtPrograms(repositoryRoot).filter(
        ({ name }) => name === 'gateway' || name === 'dedup',
      )
      const second = await other.start({
        programs,
        env,
        envOf: {
          gateway: {
            WAL_ADDR: of('wal'),
            VERIFIER_ADDR: of('verifier'),
            SCORING_ADDR: of('signal-scoring'),
          },
          dedup: { WAL_ADDR: of('wal') },
        },
      })
      return new StorePair(system, second, sites)
    } catch (error) {
      await Promise.all(sites.map((site) => site.dispose()))
      throw error
    }
  }

  /** For one test alone. */
  static async forTest(label: string, env: Environment): Promise<StorePair> {
    const pair = await StorePair.start(label, env)
    onTestFinished(() => pair.close())
    return pair
  }

  /** HTTP ports of the gateways. */
  get ports(): readonly number[] {
    return this.#sites.map(({ port }) => port)
  }

  async untilReady(timeoutMs?: number): Promise<void> {
    await Promise.all([this.system.constellation, this.#second].map((one) => one.untilReady(timeoutMs)))
  }

  /** Marks that the dedups have read back from the log. */
  async marksRead(): Promise<number> {
    const texts = await Promise.all(
      this.#sites.map(async (site) => (await fetch(`${opsUrlOf(site, 'dedup')}/metrics`)).text()),
    )
    return texts.reduce((sum, text) => sum + Metrics.parse(text).value('dedup_marks_read_total'), 0)
  }

  /** How often a dedup has died and was started again. */
  get dedupDeaths(): number {
    return this.system.constellation.restarts('dedup') + this.#second.restarts('dedup')
  }

  /** What both dedups have written, the last of it. */
  dedupLog(): string {
    return [this.system.constellation, this.#second].flatMap((one) => one.logs('dedup')).join('\n')
  }

  async close(): Promise<void> {
    for (const client of this.clients) client.close()
    this.system.close()
    await Promise.all(this.#sites.map((site) => site.dispose()))
  }
}
