import type { Command } from '../cli/command.js'
import { fromEnvironment } from '../cli/environment.js'
import { EXIT } from '../cli/failure.js'
import { readGatewayAddress, warnOfPlainHttp } from '../cli/gateway.js'
import { endpointOption, TLS_NOTE, timeoutMsFrom, timeoutOption } from '../cli/gateway-options.js'
import { outboxOption, readOutboxPlace, withOutbox } from '../cli/outbox-options.js'

const WAIT_S_DEFAULT = 60
const IN_FLIGHT_MAX = 8

export const outboxSend: Command = {
  name: 'outbox send',
  summary: 'submit what is in the outbox, then end',
  usage: 'outbox send [--endpoint URL] [--timeout-ms N] [--wait-s N] [--outbox DIR] [--json]',
  options: [
    endpointOption,
    timeoutOption,
    { name: 'wait-s', value: 'N', help: `how long to go on when nobody answers (${WAIT_S_DEFAULT})` },
    outboxOption,
    { name: 'json', help: 'print how many records are in which state as one line of JSON' },
  ],
  notes: `For machines on which no agent runs for ever: pcs outbox add, then this, by a timer for instance.

${TLS_NOTE}

Exit codes: 0 all have their verdict, 1 some were refused, met a conflict or cannot be read (see pcs outbox list),
2 wrong command line or environment, 3 some have no verdict yet, or another process has the outbox: try again
later.`,
  async run(given, terminal) {
    const timeoutMs = timeoutMsFrom(given)
    const waitS = given.integer('wait-s', { min: 0, max: 86_400 }) ?? WAIT_S_DEFAULT
    const { address, place } = fromEnvironment(terminal, (env) => ({
      address: readGatewayAddress(given, env),
      place: readOutboxPlace(given, env),
    }))
    warnOfPlainHttp(address.endpoint, terminal)
    return withOutbox(place, terminal, true, async (outbox) => {
      const { BACKOFF_DEFAULT, Deliverer, Sender } = await import('@fractal-lba/agent/delivery')
      const deliverer = new Deliverer({ ...address, timeoutMs, connectionsMax: IN_FLIGHT_MAX })
      const before = outbox.counts
      let failed: Error | undefined
      const stopping = new AbortController()
      const sender = new Sender({
        outbox,
        deliver: deliverer.deliver,
        deliverBatch: deliverer.deliverBatch,
        inFlightMax: IN_FLIGHT_MAX,
        backoff: BACKOFF_DEFAULT,
        onFatal: (error) => {
          failed = error
          stopping.abort()
        },
      })
      await Promise.race([sender.whenIdle(), elapsed(waitS * 1000, stopping.signal)])
      stopping.abort()
      await sender.stop(timeoutMs)
      deliverer.close()
      if (failed) throw failed
      const { counts } = outbox
      if (sender.unreadable > 0) {
        terminal.err(`pcs: the outbox is damaged: ${sender.unreadable} pending records cannot be read\n`)
      }
      terminal.out(
        given.has('json')
          ? `${JSON.stringify(counts)}\n`
          : `${before.pending - counts.pending} settled, ${counts.pending} pending\n`,
      )
      if (counts.pending > sender.unreadable) return EXIT.tryLater
      const refused = counts.dead + counts.conflict - before.dead - before.conflict
      return refused + sender.unreadable > 0 ? EXIT.refused : EXIT.done
    })
  },
}

function elapsed(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      resolve()
    })
  })
}
