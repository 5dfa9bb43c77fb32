import { get } from 'node:http'
import { pause } from './time.js'

const PROBE_TIMEOUT_MS = 1_000
const PROBE_PAUSE_MS = 50
const BODY_CHARS_MAX = 64 * 1024

/**
 * Asks `/ready` again and again until it says `ready`.
 * @returns false when the signal was aborted before.
 */
export async function untilReady(baseUrl: string, signal: AbortSignal): Promise<boolean> {
  while (!signal.aborted) {
    if ((await readyStatus(baseUrl)) === 'ready') return true
    await pause(PROBE_PAUSE_MS, signal)
  }
  return false
}

/** What `/ready` says of the whole: `ready`, `degraded`, `not_ready`; undefined when nobody answers. */
export async function readyStatus(baseUrl: string): Promise<string | undefined> {
  try {
    const report: unknown = JSON.parse(await bodyOf(`${baseUrl}/ready`))
    const isObject = typeof report === 'object' && report !== null && 'status' in report
    return isObject && typeof report.status === 'string' ? report.status : undefined
  } catch {
    // Refused, cut, or not JSON: all of it means "not yet", which is what the caller asks about.
    return undefined
  }
}

function bodyOf(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent: false, timeout: PROBE_TIMEOUT_MS }, (response) => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (part: string) => {
        body += part
        if (body.length > BODY_CHARS_MAX) response.destroy(new Error('the answer is too long'))
      })
      response.on('end', () => resolve(body))
      response.on('error', reject)
    })
    request.on('timeout', () => request.destroy(new Error('no answer in time')))
    request.on('error', reject)
  })
}
