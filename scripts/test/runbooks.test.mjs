import { describe, expect, it } from 'vitest'
import { runbookMistakes } from './runbooks.mjs'

const HEADINGS = [
  ...['Symptoms', 'Impact', 'Causes', 'Diagnosis', 'Resolution', 'Prevention'],
  ...['Message template', 'Related'],
]
const text = (headings = HEADINGS, more = '') =>
  `# A fault\n\nFLKFault\n\n${headings.map((heading) => `## ${heading}\n\ntext\n`).join('\n')}${more}`
const runbook = (content = text(), name = 'a-fault.md') => ({ name, text: content })
const list = (alerts = '| FLKFault | [a-fault](a-fault.md) |') => ({ name: 'README.md', text: alerts })
const rule = (alert = 'FLKFault', name = 'a-fault') =>
  `groups:\n  - name: g\n    rules:\n      - alert: ${alert}\n        annotations:\n          runbook_url: https://x.example/${name}.md\n`

describe('runbookMistakes', () => {
  it('finds none where each alert has its runbook in the common form', () => {
    expect(runbookMistakes([list(), runbook()], [rule()])).toEqual([])
  })

  it('wants all headings in their order, and no other', () => {
    const sentence = `a-fault.md has not exactly the headings ${HEADINGS.join(', ')}`
    for (const headings of [HEADINGS.slice(1), [...HEADINGS].reverse(), [...HEADINGS, 'More']]) {
      expect(runbookMistakes([list(), runbook(text(headings))], [])).toEqual([sentence])
    }
  })

  it('wants each fence of shell to say how its commands are tried', () => {
    const fences =
      '```sh run exit=1\nfalse\n```\n```sh kubectl\nkubectl get pods\n```\n```sh\n## no heading\n```\n'
    expect(runbookMistakes([list(), runbook(text(HEADINGS, fences))], [])).toEqual([
      'a-fault.md: "```sh" does not say how it is tried: run, prometheus, store, host, kubectl',
    ])
  })

  it('names a link to a runbook that is gone', () => {
    const page = runbook(text(HEADINGS, '[gone](gone.md#here) and [stores](../stores.md)'))
    expect(runbookMistakes([list(), page], [])).toEqual(['a-fault.md leads to gone.md, which is not there'])
  })

  it('names an alert without a runbook, and a runbook without an alert', () => {
    const pages = [list('FLKFault FLKOther'), runbook()]
    expect(runbookMistakes(pages, [rule(), rule('FLKOther', 'other')])).toEqual(['FLKOther has no runbook'])
    expect(runbookMistakes([...pages, runbook(text(), 'b.md')], [rule(), rule('FLKOther')])).toEqual([
      'b.md belongs to no alert',
      'a-fault.md does not name FLKOther',
    ])
  })

  it('compares the list with the rules', () => {
    expect(runbookMistakes([list('FLKGone'), runbook()], [rule()])).toEqual([
      'README.md does not name FLKFault',
      'README.md: there is no FLKGone',
    ])
  })
})
