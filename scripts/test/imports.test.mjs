import { describe, expect, it } from 'vitest'
import { forbiddenImports } from './imports.mjs'

const scope = '@fractal-lba'
const workspaces = [
  {
    directory: 'gateway',
    name: `${scope}/gateway`,
    dependencies: [`${scope}/pcs`, `${scope}/wal-service`],
    entries: [`${scope}/gateway`],
  },
  {
    directory: 'services/wal',
    name: `${scope}/wal-service`,
    dependencies: [`${scope}/pcs`],
    entries: [`${scope}/wal-service`],
  },
  {
    directory: 'services/dedup',
    name: `${scope}/dedup-service`,
    dependencies: [],
    entries: [`${scope}/dedup-service`],
  },
  {
    directory: 'packages/pcs',
    name: `${scope}/pcs`,
    dependencies: [`${scope}/gateway`],
    entries: [`${scope}/pcs`],
  },
  {
    directory: 'packages/wal',
    name: `${scope}/wal`,
    dependencies: [],
    entries: [`${scope}/wal`, `${scope}/wal/testing`],
  },
  {
    directory: 'constellation',
    name: `${scope}/constellation`,
    dependencies: [`${scope}/gateway`],
    entries: [`${scope}/constellation`],
  },
  {
    directory: 'load',
    name: `${scope}/load`,
    dependencies: [`${scope}/gateway`, `${scope}/wal`],
    entries: [`${scope}/load`],
  },
  ...['proto', 'agent', 'log-tools', 'cli'].map((directory) => ({
    directory: `packages/${directory}`,
    name: `${scope}/${directory}`,
    dependencies: ['agent', 'log-tools', 'pcs', 'proto'].map((name) => `${scope}/${name}`),
    entries: [`${scope}/${directory}`],
  })),
]

/**
 * @param {string} path
 * @param {string} text
 */
function mistakes(path, text) {
  return forbiddenImports([{ path, text }], workspaces)
}

describe('forbiddenImports', () => {
  it.each([
    ['a package that is named', 'services/wal/src/a.ts', `import { x } from '${scope}/pcs'`],
    ['a neighbour', 'services/wal/src/a.ts', `import './b.js'\nexport * from '../src/c.js'`],
    ['another library', 'services/wal/src/a.ts', `import { pino } from 'pino'\nimport 'node:fs'`],
    ['another entry', 'load/src/a.ts', `import '${scope}/wal/testing'`],
    ['itself', 'packages/wal/fixtures/a.mjs', `import '${scope}/wal'`],
    ['a service from the load', 'load/src/a.ts', `import '${scope}/gateway'`],
    ['the gateway from the constellation', 'constellation/src/a.ts', `import '${scope}/gateway'`],
    ['a library from a tool', 'packages/cli/src/a.ts', `import '${scope}/pcs'`],
    ['a tool from one above it', 'packages/cli/src/a.ts', `import '${scope}/log-tools'`],
    ['the agent from a tool', 'packages/log-tools/src/a.ts', `import '${scope}/agent'`],
    ['the protocols from the agent', 'packages/agent/src/a.ts', `import '${scope}/proto'`],
    ['a file of no package', 'scripts/a.mjs', `import '../services/wal/dist/index.js'`],
    ['what is no code', 'services/wal/run.sh', `import '${scope}/dedup-service'`],
  ])('takes %s', (_case, path, text) => {
    expect(mistakes(path, text)).toEqual([])
  })

  it.each([
    ['service from service', 'services/wal/src/a.ts', `import type { x } from '${scope}/dedup-service'`],
    ['service from gateway', 'gateway/src/a.ts', `import '${scope}/wal-service'`],
    ['gateway from service', 'services/wal/src/a.ts', `import '${scope}/gateway'`],
    ['gateway from package', 'packages/pcs/src/a.ts', `export { x } from "${scope}/gateway"`],
    ['constellation from service', 'services/wal/src/a.ts', `import '${scope}/constellation'`],
    ['constellation from package', 'packages/pcs/src/a.ts', `import '${scope}/constellation'`],
    ['late', 'services/wal/src/a.ts', `await import('${scope}/dedup-service')`],
    ['over several lines', 'services/wal/src/a.ts', `import {\n  x,\n} from '${scope}/dedup-service'`],
    ['by path', 'services/wal/src/a.ts', `import '../../dedup/src/store.js'`],
    ['deep', 'services/wal/src/a.ts', `import '${scope}/pcs/dist/id.js'`],
    ['not named', 'services/wal/src/a.ts', `import '${scope}/wal'`],
    ['not there', 'services/wal/src/a.ts', `import '${scope}/nothing'`],
  ])('refuses %s', (_case, path, text) => {
    expect(mistakes(path, text)).toHaveLength(1)
    expect(mistakes(path, text)[0]).toContain(path)
  })

  it.each([
    ['gateway', 'wal-service'],
    ['gateway', 'agent'],
    ['gateway', 'constellation'],
    ['services/wal', 'load'],
    ['packages/pcs', 'gateway'],
    ['packages/pcs', 'agent'],
    ['packages/pcs', 'constellation'],
    ['packages/proto', 'pcs'],
    ['packages/agent', 'cli'],
    ['packages/agent', 'log-tools'],
    ['packages/log-tools', 'cli'],
    ['packages/cli', 'gateway'],
    ['constellation', 'agent'],
    ['constellation', 'load'],
  ])('refuses from %s the import of %s', (directory, name) => {
    const found = mistakes(`${directory}/src/a.ts`, `import '${scope}/${name}'`)
    expect(found).toEqual([expect.stringContaining(`${directory} must not depend on `)])
  })
})
