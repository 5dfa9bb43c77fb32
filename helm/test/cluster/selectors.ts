import type { Cluster } from '@fractal-lba/test-cluster'

type Labels = Readonly<Record<string, string>>

interface Named {
  readonly metadata: { readonly name: string; readonly labels?: Labels }
}

interface Selecting extends Named {
  readonly spec: { readonly selector: { readonly matchLabels?: Labels } }
}

interface ServiceMonitor extends Selecting {
  readonly spec: Selecting['spec'] & { readonly endpoints: readonly { readonly port: string }[] }
}

interface PodMonitor extends Selecting {
  readonly spec: Selecting['spec'] & { readonly podMetricsEndpoints: readonly { readonly port: string }[] }
}

interface Service extends Named {
  readonly spec: { readonly ports: readonly { readonly name?: string; readonly port: number }[] }
}

interface Pod extends Named {
  readonly spec: {
    readonly containers: readonly { readonly ports?: readonly { readonly name?: string }[] }[]
  }
}

interface Route extends Named {
  readonly spec: {
    readonly rules: readonly {
      readonly backendRefs: readonly { readonly name: string; readonly port: number }[]
    }[]
  }
}

interface Ingress extends Named {
  readonly spec: {
    readonly rules: readonly {
      readonly http: {
        readonly paths: readonly {
          readonly backend: { readonly service: { readonly name: string; readonly port: ServicePort } }
        }[]
      }
    }[]
  }
}

interface ServicePort {
  readonly name?: string
  readonly number?: number
}

/**
 * What selects or names other objects finds them: monitors their services and pods with the port that they scrape, budgets
 * their pods, ways in their services with the port. Nothing else would say so: each is valid by itself.
 * @returns a sentence for each that finds none.
 */
export async function emptySelectors(cluster: Cluster, namespace: string): Promise<string[]> {
  const of = async <Item>(kind: string): Promise<readonly Item[]> =>
    (await cluster.get<{ items: readonly Item[] }>(kind, '-n', namespace)).items
  const services = await of<Service>('services')
  const pods = await of<Pod>('pods')
  const hasPort = (name: string, { name: portName, number }: ServicePort): boolean =>
    services.some(
      ({ metadata, spec }) =>
        metadata.name === name &&
        spec.ports.some((port) => (portName ? port.name === portName : port.port === number)),
    )
  const mistakes: string[] = []
  const expectFound = (isFound: boolean, what: string, finds: string): void => {
    if (!isFound) mistakes.push(`${what} finds no ${finds}`)
  }
  for (const { metadata, spec } of await of<ServiceMonitor>('servicemonitors.monitoring.coreos.com')) {
    const selected = services.filter((service) => fits(service, spec.selector.matchLabels))
    for (const { port } of spec.endpoints) {
      const isFound = selected.some((service) => service.spec.ports.some(({ name }) => name === port))
      expectFound(isFound, `ServiceMonitor ${metadata.name}`, `service with port ${port}`)
    }
  }
  for (const { metadata, spec } of await of<PodMonitor>('podmonitors.monitoring.coreos.com')) {
    const ports = pods
      .filter((pod) => fits(pod, spec.selector.matchLabels))
      .flatMap((pod) => pod.spec.containers.flatMap((container) => container.ports ?? []))
    for (const { port } of spec.podMetricsEndpoints) {
      const isFound = ports.some(({ name }) => name === port)
      expectFound(isFound, `PodMonitor ${metadata.name}`, `pod with port ${port}`)
    }
  }
  for (const { metadata, spec } of await of<Selecting>('poddisruptionbudgets')) {
    const isFound = pods.some((pod) => fits(pod, spec.selector.matchLabels))
    expectFound(isFound, `PodDisruptionBudget ${metadata.name}`, 'pod')
  }
  for (const kind of ['httproutes', 'grpcroutes']) {
    for (const { metadata, spec } of await of<Route>(`${kind}.gateway.networking.k8s.io`)) {
      for (const { name, port } of spec.rules.flatMap(({ backendRefs }) => backendRefs)) {
        expectFound(hasPort(name, { number: port }), `${kind} ${metadata.name}`, `service ${name}:${port}`)
      }
    }
  }
  for (const { metadata, spec } of await of<Ingress>('ingresses.networking.k8s.io')) {
    for (const { backend } of spec.rules.flatMap(({ http }) => http.paths)) {
      const { name, port } = backend.service
      expectFound(
        hasPort(name, port),
        `Ingress ${metadata.name}`,
        `service ${name}:${port.name ?? port.number}`,
      )
    }
  }
  return mistakes
}

function fits({ metadata: { labels = {} } }: Named, wanted: Labels = {}): boolean {
  return Object.entries(wanted).every(([label, value]) => labels[label] === value)
}
