/** Brings what an outbox holds to the gateway: when, how many at a time, and what each answer means. */
export {
  BACKOFF_DEFAULT,
  type BackoffPolicy,
  RETRY_AFTER_MS_MAX,
  retryAfterMs,
  waitMs,
} from './backoff.js'
export { batchOf, fitsALine, lineAnswers } from './batches.js'
export { Deliverer, type DelivererOptions } from './deliver.js'
export { type Judgement, judge } from './judgement.js'
export { type Attempt, Sender, type SenderOptions } from './sender.js'
