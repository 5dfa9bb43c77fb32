// What a profile is told: BACKEND_URL, PCS_HMAC_KEY, and how much of it is wanted.
import { scaled } from './form.js'

const DEFAULT_URL = 'http://127.0.0.1:8080'
const LOCAL_HOSTS = ['127.0.0.1', 'localhost', '[::1]']

export const backendUrl = (__ENV.BACKEND_URL || DEFAULT_URL).replace(/\/+$/, '')
export const form = scaled(__ENV.LOAD_SECONDS, __ENV.LOAD_SCALE)

/** The key that records are signed with: PCS_HMAC_KEY, else the one that `npm start` has made. */
export const key = __ENV.PCS_HMAC_KEY || localKey()

function localKey() {
  try {
    return open(import.meta.resolve('../../data/hmac.key')).trimEnd()
  } catch {
    throw new Error(
      'PCS_HMAC_KEY is not set, and npm start has made no data/hmac.key: set what the verifier has',
    )
  }
}

/** @returns {string | undefined} why load must not be sent there */
export function targetMistake() {
  const [, host = ''] = /^https?:\/\/(\[[^\]]+\]|[^:/]+)/.exec(backendUrl) ?? []
  if (host === '') return `BACKEND_URL is no http or https URL: ${backendUrl}`
  if (LOCAL_HOSTS.includes(host) || __ENV.LOAD_TARGET === host) return undefined
  return `${host} is not this machine: LOAD_TARGET=${host} says that it shall be loaded`
}
