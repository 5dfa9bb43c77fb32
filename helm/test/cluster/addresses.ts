import type { Cluster } from '@fractal-lba/test-cluster'
import type { PodSpec } from './references.js'

/** What the names of a namespace lead to: `service:port`, and `pod.service:port` where the service is headless. */
export type Reachable = ReadonlySet<string>

/** Where a process listens itself. */
const OWN_ADDRESSES = ['GRPC_ADDR', 'METRICS_ADDR']

interface Service {
  readonly metadata: { readonly name: string }
  readonly spec: { readonly clusterIP?: string; readonly ports?: readonly Port[] }
}

interface Port {
  readonly name?: string
  readonly port: number
}

interface EndpointSlice {
  readonly metadata: { readonly labels?: Readonly<Record<string, string>> }
  readonly ports?: readonly Port[] | null
  readonly endpoints?: readonly { readonly hostname?: string }[] | null
}

/** @returns a sentence for each address in the variables of a pod, within its namespace, that leads to no pod. */
export function deadAddresses({ containers }: PodSpec, reachable: Reachable): string[] {
  return containers.flatMap(({ env = [] }) =>
    env
      .filter(({ name }) => /(_ADDR|^ENDPOINT)$/.test(name) && !OWN_ADDRESSES.includes(name))
      .flatMap(({ name, value = '' }) =>
        value
          .split(',')
          .map((address) => address.replace(/^https?:\/\//, ''))
          .filter((address) => address !== '' && isWithin(address) && !reachable.has(address))
          .map((address) => `${name} names ${address}, which leads to no pod`),
      ),
  )
}

/** `service` and `pod.service`; longer names lead to other namespaces or out of the cluster. */
function isWithin(address: string): boolean {
  const [host = ''] = address.split(':')
  return host.split('.').length <= 2
}

/** Reads the services of a namespace and the pods behind them. */
export async function reachableIn(cluster: Cluster, namespace: string): Promise<Reachable> {
  const of = async <Item>(kind: string): Promise<readonly Item[]> =>
    (await cluster.get<{ items: readonly Item[] }>(kind, '-n', namespace)).items
  const slices = await of<EndpointSlice>('endpointslices')
  const found = new Set<string>()
  for (const { metadata, spec } of await of<Service>('services')) {
    const isHeadless = spec.clusterIP === 'None'
    for (const { ports, endpoints } of slices.filter((slice) => serviceOf(slice) === metadata.name)) {
      if (!endpoints || endpoints.length === 0) continue
      const behind = ports ?? []
      const open = (spec.ports ?? []).filter(({ name }) => behind.some((port) => port.name === name))
      // A headless name leads to the pods themselves, and so to their own ports.
      for (const { port } of isHeadless ? behind : open) {
        found.add(`${metadata.name}:${port}`)
        for (const { hostname } of endpoints) if (hostname) found.add(`${hostname}.${metadata.name}:${port}`)
      }
    }
  }
  return found
}

function serviceOf({ metadata }: EndpointSlice): string | undefined {
  return metadata.labels?.['kubernetes.io/service-name']
}
