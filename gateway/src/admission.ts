import { AppError } from '@fractal-lba/runtime'
import { clientKey, type TrustedProxies } from './client-address.js'
import type { ClientLimits } from './client-limits.js'
import type { RateLimit } from './rate-limit.js'

/** Where a submission comes from. */
export interface Caller {
  /** Address of the other end of its connection. */
  readonly peer: string
  /** X-Forwarded-For, as it came. */
  readonly forwardedFor: string | undefined
}

export interface AdmissionOptions {
  readonly recordBytesMax: number
  readonly clientLimits: ClientLimits
  readonly proxies: TrustedProxies
  readonly rateLimit: RateLimit
  /** Why no log can take a submission now; undefined where one can. */
  readonly room: () => AppError | undefined
}

/** Step 1 of the contract's section 4, for both fronts. What is refused here leaves no trace. */
export class Admission {
  readonly #options: AdmissionOptions

  constructor(options: AdmissionOptions) {
    this.#options = options
  }

  /** What counts as one client: it has a share of its own, and waits behind its own work. */
  clientOf({ peer, forwardedFor }: Caller): string {
    return clientKey(this.#options.proxies.clientOf(peer, forwardedFor))
  }

  /**
   * Before a body is read: a client that is over its share costs no more than its headers.
   * @param declaredBytes of its body; 0 where the headers do not say
   */
  refusalAhead(client: string, declaredBytes: number): AppError | undefined {
    return this.#options.clientLimits.refusalAhead(client, declaredBytes)
  }

  /** What was sent and refused before it was a submission is a part of the client's share too. */
  charge(client: string, sentBytes: number): void {
    this.#options.clientLimits.charge(client, sentBytes)
  }

  /** How late something of a client that is not let in is to be answered; 0: at once. */
  refusalDelayMs(client: string, isDear = false): number {
    return this.#options.clientLimits.refusalDelayMs(client, isDear)
  }

  /**
   * In this order: size, the client's share, the gateway's rate, room. A client that is over its share uses up nothing of
   * the gateway's.
   * @param client of `clientOf`
   * @returns why the submission is not let in; undefined where it is
   */
  admit(recordBytes: number, client = ''): AppError | undefined {
    const { recordBytesMax, clientLimits, rateLimit, room } = this.#options
    if (recordBytes > recordBytesMax) {
      return new AppError('too_large', `a record has at most ${recordBytesMax} bytes`)
    }
    return clientLimits.take(client, recordBytes) ?? rateLimit.take(1) ?? room()
  }
}
