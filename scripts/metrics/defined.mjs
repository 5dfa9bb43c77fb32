import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

/**
 * @typedef {object} Metric
 * @property {string} name
 * @property {string} type
 * @property {readonly string[]} labels
 * @property {string} help
 */

/** Of all programs that export metrics, by the name of the program. @typedef {ReadonlyMap<string, readonly Metric[]>} Defined */

/**
 * Starts all services of the built product in this process, and takes what their registries hold.
 * @param {string} root
 * @returns {Promise<Defined>}
 */
export async function definedMetrics(root) {
  const built = (/** @type {string} */ path) => import(pathToFileURL(join(root, path)).href)
  const [{ startInProcess }, { developmentTls, testSite }, agent, { createRegistry, serviceNames }] =
    await Promise.all([
      built('constellation/dist/index.js'),
      built('packages/local/dist/index.js'),
      built('packages/agent/dist/run/metrics.js'),
      built('packages/runtime/dist/index.js'),
    ])
  const site = await testSite('metrics')
  const { port, dataDir } = site
  const onFatal = (/** @type {string} */ _service, /** @type {Error} */ error) => {
    throw error
  }
  // Some are there with TLS alone.
  const { envOf } = await developmentTls(join(dataDir, 'tls'))
  const layers = site.layers({ envOf })
  const constellation = await startInProcess({ ...layers, port, dataDir, onLine: () => {}, onFatal })
  /** @type {readonly [string, readonly Metric[]][]} */
  const services = serviceNames.map((/** @type {string} */ name) => [
    name,
    metricsIn(constellation.registryOf(name)),
  ])
  await constellation.stop()
  await site.dispose()
  const registry = createRegistry('agent')
  // Only their definitions are read: nobody asks the outbox for a figure.
  agent.createAgentMetrics(registry, undefined)
  agent.exposeNeverShipped(registry, () => ({}))
  return new Map([...services, ['agent', metricsIn(registry)]])
}

/**
 * @param {{ getMetricsAsArray(): readonly { name: string, type: string, help: string, labelNames?: readonly string[] }[] }} registry
 * @returns {readonly Metric[]}
 */
function metricsIn(registry) {
  return registry
    .getMetricsAsArray()
    .map(({ name, type, help, labelNames = [] }) => ({ name, type, help, labels: labelNames }))
}
