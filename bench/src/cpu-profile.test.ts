import { describe, expect, it } from 'vitest'
import { hottest } from './cpu-profile.js'

const node = (id: number, functionName: string, url = '', lineNumber = -1) => ({
  id,
  callFrame: { functionName, url, lineNumber },
})

describe('hottest', () => {
  it('adds the own time of a function over all places that it was called from, without what was idle', () => {
    const profile = {
      nodes: [
        node(1, '(idle)'),
        node(2, 'parse', 'file:///x/json.js', 41),
        node(3, 'parse', 'file:///x/json.js', 41),
        node(4, '', 'file:///x/ingest.js', 0),
        node(5, '(garbage collector)'),
      ],
      samples: [1, 2, 3, 4, 5, 1],
      timeDeltas: [600, 150, 150, 50, 50, 1_000],
    }
    expect(hottest(profile, 2)).toBe(
      '  busy  20.0 % of the time\n   75.0 % parse json.js:42\n   12.5 % (anonymous) ingest.js:1\n',
    )
  })

  it('says of nothing that it is nothing', () => {
    expect(hottest({ nodes: [], samples: [], timeDeltas: [] }, 5)).toBe('  busy   0.0 % of the time\n')
  })
})
