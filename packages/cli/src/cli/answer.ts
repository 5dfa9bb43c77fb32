import { pythonFloat } from '@fractal-lba/pcs'
import { printable } from '@fractal-lba/runtime/text'
import { EXIT, type ExitCode, Failure } from './failure.js'
import type { Answer } from './gateway.js'

/** What `--json` prints of any answer: one line, the body's own text within. */
export function answerJson(answer: Answer): string {
  const body = parsed(answer.body) === undefined ? JSON.stringify(answer.body) : answer.body.trim()
  return `{"status":${answer.status},"replayed":${answer.replayed},"body":${body}}\n`
}

/** The same of one line of many. */
export function lineJson(line: number, answer: Answer): string {
  return `{"line":${line},${answerJson(answer).slice(1)}`
}

/** What is wrong with one line of many, in one line. */
export function lineRefusal(line: number, { status, body }: Answer): string {
  const { title, detail } = record(parsed(body)) ?? {}
  const words = [title, detail].filter((text) => typeof text === 'string').map(printable)
  return `line ${line}: ${status} ${[...new Set(words)].join(': ')}`
}

/** The exit code that goes with a status. */
export function exitCodeOf({ status }: Answer): ExitCode {
  if (status === 200 || status === 202) return EXIT.done
  return status >= 500 || status === 429 || status === 408 ? EXIT.tryLater : EXIT.refused
}

/**
 * A verdict as people read it.
 * @throws Failure with the problem, when the answer is no verdict
 */
export function verdictText(answer: Answer): string {
  if (exitCodeOf(answer) !== EXIT.done) throw problemFailure(answer)
  const verdict = record(parsed(answer.body))
  if (typeof verdict?.accepted !== 'boolean' || typeof verdict.escalated !== 'boolean') {
    throw new Failure(`the answer (status ${answer.status}) holds no verdict: is the endpoint the gateway?`)
  }
  const reason = typeof verdict.reason === 'string' ? `: ${printable(verdict.reason)}` : ''
  const lines = [`${finding(verdict.accepted, verdict.escalated)}${reason}`]
  if (typeof verdict.message === 'string') lines.push(`  ${printable(verdict.message)}`)
  lines.push(
    `  pcs_id      ${shown(verdict.pcs_id)}`,
    `  answer      ${answer.status}, ${answer.replayed ? 'replayed: the outcome was stored before' : 'judged for the first time'}`,
    `  recomputed  D_hat ${shown(verdict.recomputed_D_hat)}, budget ${shown(verdict.recomputed_budget)}, regime ${shown(verdict.regime)}`,
    `  params      ${shown(verdict.params)}`,
  )
  return `${lines.join('\n')}\n`
}

/** What was found of a record, in words. */
export function finding(accepted: boolean, escalated: boolean): string {
  if (!escalated) return accepted ? 'accepted' : 'not accepted'
  return accepted ? 'accepted, but escalated' : 'escalated, not accepted'
}

/** A problem document (RFC 9457), or whatever came in its place, as a sentence and its details. */
function problemFailure(answer: Answer): Failure {
  const problem = record(parsed(answer.body)) ?? {}
  const words = [problem.title, problem.detail].filter((text) => typeof text === 'string').map(printable)
  const lines = [`${answer.status} ${[...new Set(words)].join(': ') || 'without an explanation'}`]
  for (const entry of Array.isArray(problem.errors) ? problem.errors : []) {
    const { pointer, detail } = record(entry) ?? {}
    lines.push(`  ${shown(pointer) || '(the whole record)'}: ${shown(detail)}`)
  }
  if (answer.retryAfterSeconds !== undefined) lines.push(`  try again in ${answer.retryAfterSeconds} s`)
  if (typeof problem.instance === 'string') lines.push(`  request id: ${printable(problem.instance)}`)
  return new Failure(lines.join('\n'), exitCodeOf(answer))
}

function shown(value: unknown): string {
  if (typeof value === 'number') return pythonFloat(value)
  return typeof value === 'string' ? printable(value) : 'not reached'
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

function record(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined
}
