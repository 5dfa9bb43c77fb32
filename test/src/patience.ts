import type { Environment } from '@fractal-lba/local'

/**
 * For tests that are not about outages or about clients that are refused all the time: no refusal is late, and each first try is to be answered, also where the machine stands still for
 * a second or two, which under the limits that are shipped makes a rightful 503.
 */
export const patience: Environment = {
  HOP_TIMEOUT: '6s',
  SUBMIT_TIMEOUT: '8s',
  CLIENT_REFUSALS_RATE: '0',
}

/** For tests of outages: the limits as they are shipped. */
export const shippedLimits: Environment = { HOP_TIMEOUT: undefined, SUBMIT_TIMEOUT: undefined }
