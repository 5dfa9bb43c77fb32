import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Constellation, Environment, ProgramName } from '@fractal-lba/local'
import { type CpuProfile, hottest } from './cpu-profile.js'

const WRITTEN_TIMEOUT_MS = 20_000
const SHOWN_FUNCTIONS = 15

/** Makes processes start and end a profile of theirs at SIGWINCH. */
export class Profiling {
  readonly #directory: string
  readonly #label: string

  /** @param label begins the names of the files. */
  constructor(directory: string, label: string) {
    this.#directory = directory
    this.#label = label
  }

  /** What the process of this name needs in its environment. */
  environmentOf(name: ProgramName): Environment {
    const preload = new URL('./profile-on-signal.js', import.meta.url).href
    return { NODE_OPTIONS: `--import=${preload}`, BENCH_PROFILE_FILE: this.#fileOf(name) }
  }

  /** The first call starts the profiles, the second one ends them. */
  async toggle(constellation: Constellation): Promise<void> {
    const names = Object.keys(constellation.pids()) as ProgramName[]
    await Promise.all(names.map((name) => constellation.kill(name, 'SIGWINCH')))
  }

  /** After the end: where each process spent its time, as lines of text. */
  async summary(names: readonly ProgramName[]): Promise<string> {
    const parts = await Promise.all(
      names.map(
        async (name) => `\n${this.#fileOf(name)}\n${hottest(await this.#profileOf(name), SHOWN_FUNCTIONS)}`,
      ),
    )
    return parts.join('')
  }

  #fileOf(name: ProgramName): string {
    return join(this.#directory, `${this.#label}-${name}.cpuprofile`)
  }

  async #profileOf(name: ProgramName): Promise<CpuProfile> {
    const deadlineMs = performance.now() + WRITTEN_TIMEOUT_MS
    for (;;) {
      try {
        // The file appears under its name when it is complete.
        return JSON.parse(await readFile(this.#fileOf(name), 'utf8')) as CpuProfile
      } catch (error) {
        const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
        if (!isMissing || performance.now() > deadlineMs) throw error
        await sleep(50)
      }
    }
  }
}
