import { errorTable } from '@fractal-lba/runtime'
import { describe, expect, it } from 'vitest'
import { allProblems, problemOf, recordProblems, renderProblem, transportProblems } from './problem.js'

describe('problems', () => {
  it.each(Object.entries(errorTable))('%s has the status and title of the error table', (code, row) => {
    const { status, title } = problemOf(code as keyof typeof errorTable)
    expect({ status, title }).toEqual({ status: row.http, title: row.title })
  })

  it('have slugs of their own that need no escaping', () => {
    const slugs = allProblems.map(({ slug }) => slug)
    expect(new Set(slugs).size).toBe(slugs.length)
    for (const slug of slugs) expect(slug).toMatch(/^[a-z-]+$/)
  })
})

describe('renderProblem', () => {
  it('is RFC 9457', () => {
    expect(JSON.parse(renderProblem(transportProblems.not_http, 'why', 'id-1'))).toEqual({
      type: '/problems/not-http',
      title: transportProblems.not_http.title,
      status: 400,
      detail: 'why',
      instance: 'id-1',
    })
  })

  it('lists what is wrong, at most 100 of it', () => {
    const violations = Array.from({ length: 101 }, (_, index) => ({ pointer: `/a/${index}`, detail: 'bad' }))
    const { errors } = JSON.parse(renderProblem(recordProblems.malformed, 'd', 'i', violations))
    expect(errors).toHaveLength(100)
    expect(errors[0]).toEqual({ pointer: '/a/0', detail: 'bad' })
  })

  it('has nothing of a violation but pointer and detail, and survives hostile text', () => {
    const hostile = { pointer: '/\u0000\ud800"\r\n', detail: '</script>', payload: 'secret' }
    const text = renderProblem(recordProblems.malformed, 'd', 'i', [hostile])
    expect(text).not.toContain('secret')
    expect(text).not.toMatch(/[\r\n]/)
    expect(JSON.parse(text).errors).toEqual([{ pointer: '/\u0000\ud800"\r\n', detail: '</script>' }])
  })
})
