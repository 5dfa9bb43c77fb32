import type { HostPort } from '@fractal-lba/runtime'
import { Redis } from 'ioredis'
import type { RedisAccess } from './redis-config.js'
import type { Script } from './scripts.js'

/** The name of a command and its arguments. */
export type RedisCommand = readonly [name: string, ...args: (string | Buffer | number)[]]

/** Texts come as bytes; what the server refused comes as a RefusedCommand. */
export type Reply = Buffer | number | null | RefusedCommand | readonly Reply[]

/** The parts of a reply that has parts. */
export function partsOf(reply: Reply | undefined): readonly Reply[] {
  const isList = (value: Reply | undefined): value is readonly Reply[] => Array.isArray(value)
  return isList(reply) ? reply : []
}

/** The server has answered, with an error. */
export class RefusedCommand extends Error {
  override readonly name = 'RefusedCommand'

  /** The first word of the error reply: OOM, READONLY, MOVED, … */
  get code(): string {
    return this.message.split(' ', 1)[0] ?? ''
  }
}

/** The server could not be asked, or has not answered in time; whatever was sent may be executed all the same. */
export class LinkLost extends Error {
  override readonly name = 'LinkLost'
}

/**
 * One connection to one Redis server, used until it fails once: after a failure replies may be late, so the link is
 * closed with all commands under way, and its owner opens another one. No command is sent twice, and none waits for a
 * connection.
 */
export class RedisLink {
  readonly address: HostPort
  readonly #redis: Redis
  readonly #timeoutMs: number
  #lost: LinkLost | undefined

  private constructor(redis: Redis, address: HostPort, timeoutMs: number) {
    this.#redis = redis
    this.address = address
    this.#timeoutMs = timeoutMs
    redis.once('close', () => this.#lose(new LinkLost('the server has closed the connection')))
  }

  /** Connected, authenticated, in its database, with these scripts. @throws LinkLost or RefusedCommand */
  static async open(
    address: HostPort,
    { username, password, database, tls }: RedisAccess,
    { timeoutMs, scripts = [] }: { readonly timeoutMs: number; readonly scripts?: readonly Script[] },
  ): Promise<RedisLink> {
    const redis = new Redis({
      ...address,
      ...(password === undefined ? {} : { password }),
      ...(username === undefined ? {} : { username }),
      ...(tls && { tls }),
      connectTimeout: timeoutMs,
      lazyConnect: true,
      retryStrategy: null,
      maxRetriesPerRequest: null,
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      enableReadyCheck: false,
      disableClientInfo: true,
      connectionName: 'flk-dedup',
      // No HELLO: an ACL may not allow it, and nothing here needs RESP3.
      protocol: 2,
    })
    let why: Error | undefined
    redis.on('error', (error: Error) => {
      why ??= error
    })
    const link = new RedisLink(redis, address, timeoutMs)
    try {
      await inTime(redis.connect(), timeoutMs)
      // ioredis would go on in the first database when this is refused.
      const selecting: RedisCommand[] = database === 0 ? [] : [['SELECT', database]]
      const loading = scripts.map(({ text }): RedisCommand => ['SCRIPT', 'LOAD', text])
      const prepared = await link.run([...selecting, ...loading])
      for (const reply of prepared) if (reply instanceof RefusedCommand) throw reply
    } catch (error) {
      link.close()
      throw error instanceof RefusedCommand ? error : asLost(why ?? error)
    }
    return link
  }

  /** All in one round trip; the replies in the order of the commands. @throws LinkLost */
  async run(commands: readonly RedisCommand[]): Promise<Reply[]> {
    if (this.#lost) throw this.#lost
    if (commands.length === 0) return []
    const pipeline = this.#redis.pipeline()
    for (const [name, ...args] of commands) pipeline.callBuffer(name, args)
    try {
      const results = await inTime(pipeline.exec(), this.#timeoutMs)
      return (results ?? []).map(([error, value]) => (error ? refused(error) : (value as Reply)))
    } catch (error) {
      const lost = asLost(error)
      this.#lose(lost)
      throw lost
    }
  }

  /** Drops the connection at once, with all that is under way. */
  close(): void {
    this.#lose(new LinkLost('the connection was given up'))
  }

  #lose(lost: LinkLost): void {
    if (this.#lost) return
    this.#lost = lost
    this.#redis.disconnect()
    // A server that hangs would not answer the polite end of the connection.
    this.#redis.stream?.destroy()
  }
}

/** Tries one address after the other. @throws the last failure */
export async function firstOf<T>(
  addresses: readonly HostPort[],
  ask: (address: HostPort) => Promise<T>,
): Promise<T> {
  let failure: unknown = new LinkLost('there is no address to ask')
  for (const address of addresses) {
    try {
      return await ask(address)
    } catch (error) {
      failure = error
    }
  }
  throw failure
}

/** @throws the error itself where it is not the server's answer. */
function refused(error: Error): RefusedCommand {
  if (error.name !== 'ReplyError') throw error
  return new RefusedCommand(error.message)
}

function asLost(error: unknown): LinkLost {
  if (error instanceof LinkLost) return error
  // The error itself is not kept: those of ioredis hold the arguments of the command.
  return new LinkLost(error instanceof Error ? error.message : String(error))
}

function inTime<T>(work: Promise<T>, timeoutMs: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = (): void => reject(new LinkLost(`no answer within ${timeoutMs} ms`))
    // Where this process itself was late, the answer may be here already, and is read before the immediate.
    const timer = setTimeout(() => setImmediate(late), timeoutMs)
    work.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
