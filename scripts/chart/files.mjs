import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { askedSettings } from '../test/asked-settings.mjs'
import { readmeText } from './readme.mjs'
import { schemaText } from './schema.mjs'
import { undocumented, valuesOf } from './values.mjs'
import { programVariables, variablesTemplate } from './variables.mjs'

const CHART = 'helm/fractal-lba'
const RULES = ['alerts.yml', 'alerts-optional.yml', 'recording.yml']
const DASHBOARDS = 'observability/grafana/dashboards'

/**
 * The files of the chart that are made from others: a chart can read nothing outside of itself, and says of its values
 * what values.yaml says.
 * @param {string} root
 * @returns {Promise<ReadonlyMap<string, string>>} by their paths from the root
 * @throws Error for a value that says nothing of itself
 */
export async function chartFiles(root) {
  const read = (/** @type {string} */ path) => readFileSync(join(root, path), 'utf8')
  const values = valuesOf(read(`${CHART}/values.yaml`))
  const silent = undocumented(values)
  if (silent.length > 0) throw new Error(silent.join('\n'))
  const variables = programVariables(await askedSettings(root))
  const readme = `${CHART}/README.md`
  const dashboards = readdirSync(join(root, DASHBOARDS)).filter((name) => name.endsWith('.json'))
  return new Map([
    [`${CHART}/templates/_variables.tpl`, variablesTemplate(variables)],
    [`${CHART}/values.schema.json`, schemaText(values, variables)],
    [readme, readmeText(existsSync(join(root, readme)) ? read(readme) : '', values)],
    ...RULES.map((name) => copy(`observability/prometheus/${name}`, `${CHART}/files/rules/${name}`)),
    ...dashboards.map((name) => copy(`${DASHBOARDS}/${name}`, `${CHART}/files/dashboards/${name}`)),
  ])

  /**
   * @param {string} from
   * @param {string} to
   * @returns {[string, string]}
   */
  function copy(from, to) {
    return [to, read(from)]
  }
}

/**
 * @param {string} root
 * @returns {Promise<readonly string[]>} the paths of those that are not what they should be
 */
export async function staleChartFiles(root) {
  const files = await chartFiles(root)
  const isSame = (/** @type {string} */ path, /** @type {string} */ text) =>
    existsSync(join(root, path)) && readFileSync(join(root, path), 'utf8') === text
  const stale = [...files].filter(([path, text]) => !isSame(path, text)).map(([path]) => path)
  const kept = ['rules', 'dashboards'].flatMap((folder) =>
    readdirSync(join(root, CHART, 'files', folder)).map((name) => `${CHART}/files/${folder}/${name}`),
  )
  return [...stale, ...kept.filter((path) => !files.has(path))]
}
