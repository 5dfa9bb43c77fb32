import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import type { Readable, Writable } from 'node:stream'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome']
const ANSWER_MS_MAX = 30_000
const END_MS_MAX = 5_000

/** The program of a Chromium that is installed; undefined where there is none. */
export const chromium = (process.env.PATH ?? '')
  .split(delimiter)
  .flatMap((directory) => NAMES.map((name) => join(directory, name)))
  .find((path) => existsSync(path))

interface Message {
  readonly id?: number
  readonly method?: string
  readonly params?: Readonly<Record<string, unknown>>
  readonly result?: Readonly<Record<string, unknown>>
  readonly error?: { readonly message: string }
}

/** What somebody may be asked for before a page is shown. */
export interface Credentials {
  readonly user: string
  readonly password: string
}

/** A page in a real browser, spoken to by the protocol of its developer tools. */
export class Browser {
  readonly #child: ChildProcess
  readonly #profile: string
  readonly #waiting = new Map<number, (message: Message) => void>()
  readonly #onEvent = new Set<(message: Message) => void>()
  #session: string | undefined
  #id = 0
  /** What the page's console and the browser have found wrong. */
  readonly complaints: string[] = []

  private constructor(child: ChildProcess, profile: string) {
    this.#child = child
    this.#profile = profile
    let rest = ''
    const output = child.stdio[4] as Readable
    output.setEncoding('utf8').on('data', (part: string) => {
      const texts = (rest + part).split('\0')
      rest = texts.pop() ?? ''
      for (const text of texts) this.#take(JSON.parse(text) as Message)
    })
  }

  static async open(program: string): Promise<Browser> {
    const profile = await mkdtemp(join(tmpdir(), 'fractal-lba-browser-'))
    const args = [
      '--headless=new',
      '--remote-debugging-pipe',
      `--user-data-dir=${profile}`,
      ...['--no-sandbox', '--no-first-run', '--disable-gpu', '--disable-dev-shm-usage', '--mute-audio'],
    ]
    const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] })
    const browser = new Browser(child, profile)
    try {
      await browser.#openPage()
      return browser
    } catch (error) {
      await browser.close()
      throw error
    }
  }

  /** Answers the question for user and password from now on. */
  async logIn({ user, password }: Credentials): Promise<void> {
    await this.#ask('Fetch.enable', { handleAuthRequests: true })
    this.#onEvent.add(({ method, params }) => {
      const requestId = params?.requestId
      if (method === 'Fetch.requestPaused') void this.#ask('Fetch.continueRequest', { requestId })
      if (method !== 'Fetch.authRequired') return
      const authChallengeResponse = { response: 'ProvideCredentials', username: user, password }
      void this.#ask('Fetch.continueWithAuth', { requestId, authChallengeResponse })
    })
  }

  /** Resolves when the page is loaded. */
  async show(url: string, width: number, scheme: 'light' | 'dark' = 'light'): Promise<void> {
    const screen = { width, height: 900, deviceScaleFactor: 1, mobile: width < 600 }
    await this.#ask('Emulation.setDeviceMetricsOverride', screen)
    await this.#ask('Emulation.setEmulatedMedia', {
      features: [{ name: 'prefers-color-scheme', value: scheme }],
    })
    const loaded = new Promise<void>((resolve) => {
      const onEvent = ({ method }: Message): void => {
        if (method !== 'Page.loadEventFired') return
        this.#onEvent.delete(onEvent)
        resolve()
      }
      this.#onEvent.add(onEvent)
    })
    await this.#ask('Page.navigate', { url })
    await loaded
  }

  /** What an expression comes to within the page. */
  async evaluate<T>(expression: string): Promise<T> {
    const { result } = await this.#ask('Runtime.evaluate', { expression, returnByValue: true })
    return (result as { readonly value: T }).value
  }

  /** The whole page, as PNG. */
  async picture(): Promise<Buffer> {
    const { data } = await this.#ask('Page.captureScreenshot', { captureBeyondViewport: true })
    return Buffer.from(String(data), 'base64')
  }

  async close(): Promise<void> {
    const gone = new Promise((resolve) => this.#child.once('exit', resolve))
    this.#ask('Browser.close').catch(() => undefined)
    const limit = setTimeout(() => this.#child.kill('SIGKILL'), END_MS_MAX)
    await gone
    clearTimeout(limit)
    await rm(this.#profile, { recursive: true, force: true, maxRetries: 3 })
  }

  async #openPage(): Promise<void> {
    const { targetId } = await this.#ask('Target.createTarget', { url: 'about:blank' })
    const { sessionId } = await this.#ask('Target.attachToTarget', { targetId, flatten: true })
    this.#session = String(sessionId)
    for (const domain of ['Page', 'Runtime', 'Log']) await this.#ask(`${domain}.enable`)
  }

  #ask(method: string, params: object = {}): Promise<Readonly<Record<string, unknown>>> {
    this.#id += 1
    const id = this.#id
    return new Promise((resolve, reject) => {
      const limit = setTimeout(() => {
        this.#waiting.delete(id)
        reject(new Error(`the browser did not answer ${method}`))
      }, ANSWER_MS_MAX)
      this.#waiting.set(id, ({ result = {}, error }) => {
        clearTimeout(limit)
        if (error) reject(new Error(`${method}: ${error.message}`))
        else resolve(result)
      })
      const session = this.#session === undefined ? {} : { sessionId: this.#session }
      const input = this.#child.stdio[3] as Writable
      input.write(`${JSON.stringify({ id, method, params, ...session })}\0`)
    })
  }

  #take(message: Message): void {
    const { id, method, params } = message
    if (id !== undefined) {
      this.#waiting.get(id)?.(message)
      this.#waiting.delete(id)
      return
    }
    if (method === 'Log.entryAdded' || method === 'Runtime.exceptionThrown') {
      this.complaints.push(JSON.stringify(params))
    }
    for (const onEvent of this.#onEvent) onEvent(message)
  }
}
