import { expect } from 'vitest'
import { type Answer, json } from './client.js'

export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly instance: string
  readonly errors?: readonly { readonly pointer: string; readonly detail: string }[]
}

/** The problem document of an answer that must be one with this status; its form is checked: contract, section 5. */
export function problemOf(answer: Answer, status: number): Problem {
  const said = answer.body.toString('utf8')
  expect(answer.status, said).toBe(status)
  expect(answer.headers['content-type']).toMatch(/^application\/problem\+json(;|$)/)
  const problem = json(answer) as Problem
  expect(Object.keys(problem).sort()).toEqual(
    problem.errors === undefined
      ? ['detail', 'instance', 'status', 'title', 'type']
      : ['detail', 'errors', 'instance', 'status', 'title', 'type'],
  )
  expect(problem.status).toBe(status)
  expect(URL.canParse(problem.type, 'http://base')).toBe(true)
  for (const text of [problem.title, problem.detail]) expect(text).toMatch(/^\S.*\S$/)
  expect(problem.instance).toMatch(/^[A-Za-z0-9-]{1,64}$/)
  // Neither a stack nor what only the network behind the gateway knows.
  expect(said).not.toMatch(/\bat .*\.(js|ts):\d+|remote_addr|round_robin|ECONN|127\.0\.0\.1/)
  return problem
}
