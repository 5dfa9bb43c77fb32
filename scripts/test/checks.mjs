import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { licenceMistakes } from '../audit/licences.mjs'
import { sealedMistakes } from '../audit/sealed.mjs'
import { staleChartFiles } from '../chart/files.mjs'
import { run } from '../lib/run.mjs'
import { askedSettings } from './asked-settings.mjs'
import { tooLong } from './file-length.mjs'
import { generatedDifference } from './generated.mjs'
import { forbiddenImports } from './imports.mjs'
import { lockEngines } from './lock-engines.mjs'
import { lockGaps } from './lock-gaps.mjs'
import { tooLarge } from './package-size.mjs'
import { runbookMistakes } from './runbooks.mjs'
import { documentedSettings, namedInSources, settingsMistakes } from './settings.mjs'
import { sources } from './sources.mjs'
import { matrixMistakes } from './test-matrix.mjs'

const LIMIT_MS = 3 * 60_000

/**
 * What is checked without running the product.
 * @typedef {object} Check
 * @property {string} name
 * @property {() => Promise<string | undefined>} mistake what is wrong, for a person; undefined when nothing is
 */

/**
 * @param {string} root
 * @returns {readonly Check[]} each counts as one, passed or failed
 */
export function checks(root) {
  const program = (/** @type {string} */ name) => join(root, 'node_modules/.bin', name)
  const succeeds = async (/** @type {string} */ command, /** @type {string[]} */ ...args) => {
    const { code, late, output } = await run(command, args, { cwd: root, limitMs: LIMIT_MS })
    return code === 0 ? undefined : `${late ? 'it took too long\n' : ''}${output.trimEnd()}`
  }
  return [
    {
      name: 'lint (biome)',
      mistake: () => succeeds(program('biome'), 'check', '--colors=off', '--max-diagnostics=10', '.'),
    },
    { name: 'protocols (buf lint)', mistake: () => succeeds(program('buf'), 'lint') },
    { name: 'generated code', mistake: () => generatedDifference(root) },
    {
      name: 'metrics (docs/metrics.md)',
      mistake: async () => {
        const script = join(root, 'scripts/metrics.mjs')
        const { code, output } = await run(process.execPath, [script], { cwd: root, limitMs: LIMIT_MS })
        if (code !== 0) return `the metrics could not be listed:\n${output.trimEnd()}`
        if (output === readFileSync(join(root, 'docs/metrics.md'), 'utf8')) return undefined
        return 'docs/metrics.md is not what the code exports: run npm run generate:metrics and commit it'
      },
    },
    {
      name: 'chart (values.schema.json, README.md, copies)',
      mistake: async () => {
        const stale = await staleChartFiles(root)
        if (stale.length === 0) return undefined
        return `not what values.yaml, the programs and observability/ say: run npm run generate:chart and commit ${stale.join(', ')}`
      },
    },
    {
      name: 'types of the tests',
      mistake: () => succeeds(program('tsc'), '-p', 'tsconfig.test.json', '--pretty', 'false'),
    },
    {
      name: 'package-lock.json',
      mistake: async () => {
        const lock = readFileSync(join(root, 'package-lock.json'), 'utf8')
        return lockGaps(lock) ?? lockEngines(lock)
      },
    },
    {
      name: 'secrets are encrypted (SOPS)',
      mistake: async () => {
        const files = await sources(root, (path) => /\.ya?ml$/.test(path))
        return files.flatMap(({ path, text }) => sealedMistakes(path, text)).join('\n') || undefined
      },
    },
    {
      name: 'licences',
      mistake: async () =>
        licenceMistakes(readFileSync(join(root, 'package-lock.json'), 'utf8')).join('\n') || undefined,
    },
    { name: 'length of files', mistake: async () => tooLong(await sources(root)) },
    { name: 'size of packages', mistake: async () => tooLarge(await sources(root), workspacesOf(root)) },
    {
      name: 'imports',
      mistake: async () => forbiddenImports(await sources(root), workspacesOf(root)).join('\n') || undefined,
    },
    {
      name: 'tests of promises (docs/test-matrix.md)',
      mistake: async () => {
        const page = readFileSync(join(root, 'docs/test-matrix.md'), 'utf8')
        return matrixMistakes(page, await sources(root)).join('\n') || undefined
      },
    },
    {
      name: 'runbooks (docs/runbooks)',
      mistake: async () => runbookMistakes(runbooksOf(root), alertRulesOf(root)).join('\n') || undefined,
    },
    {
      name: 'settings (docs/configuration.md)',
      mistake: async () => {
        const asked = await askedSettings(root)
        const page = readFileSync(join(root, 'docs/configuration.md'), 'utf8')
        const documented = documentedSettings(page, [...asked.keys()])
        return (
          settingsMistakes(documented, asked, namedInSources(await sources(root))).join('\n') || undefined
        )
      },
    },
  ]
}

/** @param {string} root */
function runbooksOf(root) {
  const directory = join(root, 'docs/runbooks')
  const names = readdirSync(directory).filter((name) => name.endsWith('.md'))
  return names.map((name) => ({ name, text: readFileSync(join(directory, name), 'utf8') }))
}

/** @param {string} root */
function alertRulesOf(root) {
  return ['alerts.yml', 'alerts-optional.yml']
    .map((name) => join(root, 'observability/prometheus', name))
    .filter((path) => existsSync(path))
    .map((path) => readFileSync(path, 'utf8'))
}

/**
 * @param {string} root
 * @returns {readonly import("./imports.mjs").Workspace[]}
 */
function workspacesOf(root) {
  /** @type {{ packages: Record<string, { link?: boolean, resolved?: string }> }} */
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'))
  return Object.values(lock.packages).flatMap(({ link, resolved }) => {
    if (!link || resolved === undefined) return []
    const manifest = JSON.parse(readFileSync(join(root, resolved, 'package.json'), 'utf8'))
    const dependencies = Object.keys({ ...manifest.dependencies, ...manifest.devDependencies })
    const entries = Object.keys(manifest.exports ?? {}).map((key) => manifest.name + key.slice(1))
    return [{ directory: resolved, name: manifest.name, dependencies, entries }]
  })
}
