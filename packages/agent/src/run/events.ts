import type { Logger } from '@fractal-lba/runtime'
import { printable } from '@fractal-lba/runtime/text'
import type { Attempt } from '../delivery/index.js'
import type { OutboxEvent } from '../outbox/index.js'
import type { NeverShippedFiles, NeverShippedReason } from './never-shipped.js'
import type { FileEvent } from './watcher.js'

/** Writes down what a person may want to know; never a record, a verdict's text or a key. */
export class AgentLog {
  readonly #logger: Logger
  #endpointIsDown = false

  constructor(logger: Logger) {
    this.#logger = logger
  }

  /** @param endpointIsDown whether the sender counts the gateway as down after this attempt */
  attempt(attempt: Attempt, endpointIsDown: boolean): void {
    const { result, seq, pcsId } = attempt
    const about = { outbox_seq: seq, pcs_id: pcsId }
    if (result === 'unreadable') {
      this.#logger.error({ ...about, why: attempt.why }, 'a pending record cannot be read, so it is not sent')
      return
    }
    if (result === 'retry') {
      this.#logger.debug(
        { ...about, why: attempt.why, wait_ms: Math.round(attempt.waitMs) },
        'to be sent again',
      )
    } else if (result === 'acknowledged') {
      const { status, replayed } = attempt.answer
      this.#logger.debug({ ...about, status, replayed }, 'acknowledged')
    } else {
      const sentence =
        result === 'conflict'
          ? 'another record came first under this pcs_id: see conflicts.jsonl'
          : 'the record was refused: see dead-letters.jsonl'
      this.#logger.warn({ ...about, status: attempt.answer.status }, sentence)
    }
    this.#logEndpoint(endpointIsDown, result === 'retry' ? attempt.why : '')
  }

  file(event: FileEvent): void {
    if (event.result === 'failed') {
      // the reason quotes the file, so it stays beside it
      this.#logger.warn({ file: event.name }, 'this file was not shipped: see its .error.txt in failed')
      return
    }
    const { seq, pcsId, same } = event.added
    const about = { file: event.name, outbox_seq: seq, pcs_id: pcsId }
    if (event.result === 'shipped') this.#logger.info(about, 'in the outbox')
    else if (same) this.#logger.info(about, 'its record was in the outbox before')
    else
      this.#logger.warn(
        about,
        'another record of the same events was in the outbox before; the first one stays',
      )
  }

  neverShipped(reason: NeverShippedReason, { count, example }: NeverShippedFiles): void {
    this.#logger.warn(
      { reason, files: count, file: printable(example) },
      'files in the directory are not shipped',
    )
  }

  trouble(sentence: string | undefined): void {
    if (sentence === undefined) this.#logger.info('files are shipped again')
    else this.#logger.error({ why: sentence }, 'files cannot be shipped now; tried again')
  }

  outbox(event: OutboxEvent): void {
    switch (event.type) {
      case 'report_failed':
        this.#logger.error(
          { file: event.file, err: event.error },
          'this file cannot be written; the log has it all',
        )
        return
      case 'compacted':
        this.#logger.info(event.report, 'the outbox has dropped old acknowledged records')
        return
      case 'compaction_failed':
        this.#logger.error({ err: event.error }, 'the outbox could not be compacted')
        return
      default:
        this.#logOfOutbox(event.event)
    }
  }

  #logOfOutbox(event: Extract<OutboxEvent, { type: 'log' }>['event']): void {
    switch (event.type) {
      case 'torn_tail':
        this.#logger.warn(event, 'a torn tail was set aside and cut off; nothing that was promised was in it')
        return
      case 'quarantined':
      case 'damage_read':
        this.#logger.error(event, 'the outbox is damaged; what is intact in it is still sent')
        return
      case 'out_of_space':
        this.#logger.error(event, 'no room for the outbox to grow; tried again until there is')
        return
      default:
        this.#logger.debug(event, 'log')
    }
  }

  #logEndpoint(isDown: boolean, why: string): void {
    if (isDown === this.#endpointIsDown) return
    this.#endpointIsDown = isDown
    if (isDown) this.#logger.warn({ why }, 'the gateway takes nothing now; records wait in the outbox')
    else this.#logger.info('the gateway takes records again')
  }
}
