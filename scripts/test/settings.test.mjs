import { describe, expect, it } from 'vitest'
import { documentedSettings, namedInSources, settingsMistakes } from './settings.mjs'

const page = `# Configuration
## Every process
| variable | default | meaning |
|---|---|---|
| \`LOG_LEVEL\` | \`info\` | \`OTHER\` |
## Gateway
| variable | default | meaning |
| \`A\`, \`B_2\` | – | two |
## Services
| service | variable | default | meaning |
| all | \`GRPC_ADDR\` | – | where |
| wal | \`WAL_DIR\` | – | where |
`
const common = ['LOG_LEVEL', 'GRPC_ADDR']
const asked = new Map(
  Object.entries({
    gateway: new Set(['LOG_LEVEL', 'A', 'B_2']),
    wal: new Set([...common, 'WAL_DIR']),
    verifier: new Set(common),
    dedup: new Set(common),
    'signal-scoring': new Set(common),
    agent: new Set(['LOG_LEVEL']),
    pcs: new Set(['WAL_DIR']),
  }),
)

describe('settingsMistakes', () => {
  it('finds none where page and programs agree', () => {
    expect(settingsMistakes(documentedSettings(page, [...asked.keys()]), asked, new Map())).toEqual([])
  })

  it('says what a program reads and the page does not name for it', () => {
    const more = new Map([...asked, ['verifier', new Set([...common, 'WAL_DIR'])]])
    expect(settingsMistakes(documentedSettings(page, [...asked.keys()]), more, new Map())).toEqual([
      'verifier reads WAL_DIR, and docs/configuration.md has no row for it there',
    ])
  })

  it('says what the page names and its program does not read', () => {
    const fewer = new Map([...asked, ['gateway', new Set(['LOG_LEVEL', 'A'])]])
    expect(settingsMistakes(documentedSettings(page, [...asked.keys()]), fewer, new Map())).toEqual([
      'docs/configuration.md has a row for B_2 of gateway, which does not read it',
    ])
  })

  it('says what sources read and no reader here asked for', () => {
    const text = "const x = env.text('A', '')\nconst y = env.integer(\n  'NEW', 1)"
    const files = [
      { path: 'packages/a/src/x.ts', text },
      { path: 'packages/a/src/x.test.ts', text: "env.text('TESTED', '')" },
    ]
    expect(
      settingsMistakes(documentedSettings(page, [...asked.keys()]), asked, namedInSources(files)),
    ).toEqual(['packages/a/src/x.ts reads NEW, and scripts/test/asked-settings.mjs runs no reader of it'])
  })
})
