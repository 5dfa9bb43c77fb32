import {
  grpcPort,
  opsPort,
  PORT_DEFAULT,
  roles,
  type ServiceName,
  serviceNames,
  topology,
} from '@fractal-lba/runtime'
import { describe, expect, it } from 'vitest'
import { filler, helms, type KubeObject, objectOf, podTemplateOf } from './helm.js'
import { over } from './over.js'

// The chart says of names, ports and edges what packages/runtime/src/topology.ts says.

const [helm] = helms
const nameOf = (service: ServiceName | 'tools'): string =>
  service === 'gateway' ? 'fractal-lba' : `fractal-lba-${service}`
const kindOf = (service: ServiceName): string => (service === 'wal' ? 'StatefulSet' : 'Deployment')

interface Edge {
  readonly from: string
  readonly to: string
  readonly port: number
}

describe.skipIf(helm.missing)(`the topology, by ${helm.title}`, () => {
  it('each service listens on its ports, and health is on the plain one', async () => {
    const objects = await helm.objects({ values: over(filler, { mtls: { enabled: true } }) })
    for (const service of serviceNames) {
      const template = podTemplateOf(objectOf(objects, kindOf(service), nameOf(service)))
      const [container] = template?.spec.containers ?? []
      const ports = Object.fromEntries(
        container.ports.map(({ name, containerPort }: { name: string; containerPort: number }) => [
          name,
          containerPort,
        ]),
      )
      const plain =
        service === 'gateway' ? opsPort(service, PORT_DEFAULT) + 1_001 : opsPort(service, PORT_DEFAULT)
      expect(ports).toMatchObject({ grpc: grpcPort(service, PORT_DEFAULT), ops: plain })
      for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe']) {
        expect(container[probe].httpGet.port).toBe('ops')
      }
      const env = envOf(container)
      expect(env.METRICS_ADDR).toBe(`0.0.0.0:${plain}`)
      for (const needed of topology[service].needs) {
        const { addressVariable } = topology[needed]
        expect(env[addressVariable]).toContain(`:${grpcPort(needed, PORT_DEFAULT)}`)
      }
    }
  })

  it('policies open the edges of the architecture, and no others', async () => {
    const values = {
      networkPolicy: { enabled: true },
      agent: { enabled: true },
      jaeger: { enabled: true },
    }
    const objects = await helm.objects({ values: over(filler, values) })
    const ours = new Set<string>([...serviceNames, 'tools'])
    const isOurs = ({ from, to }: Edge): boolean => ours.has(from) && ours.has(to)
    const expected = serviceNames.flatMap((server) => {
      const callers = server === 'gateway' ? ['tools'] : Object.keys(topology[server].callers)
      const port = server === 'gateway' ? PORT_DEFAULT : grpcPort(server, PORT_DEFAULT)
      return callers.map((from) => text({ from, to: server, port }))
    })
    expect(edgesOf(objects, 'ingress').filter(isOurs).map(text).sort()).toEqual(expected.sort())
    expect(edgesOf(objects, 'egress').filter(isOurs).map(text).sort()).toEqual(expected)
    const outside = edgesOf(objects, 'egress').filter((edge) => !isOurs(edge))
    expect(outside.map(text).sort()).toEqual(
      [
        'agent > gateway:8080',
        ...['agent', 'dedup', 'gateway', 'signal-scoring', 'verifier', 'wal'].map(
          (from) => `${from} > jaeger:4318`,
        ),
        'dedup > redis:6379',
      ].sort(),
    )
    expect(edgesOf(objects, 'ingress').map(text).sort()).toEqual(edgesOf(objects, 'egress').map(text).sort())
  })

  it('whatever no policy names is denied, in and out, but names', async () => {
    const objects = await helm.objects({ values: over(filler, { networkPolicy: { enabled: true } }) })
    const { spec } = objectOf(objects, 'NetworkPolicy', 'fractal-lba-deny')
    expect(spec.podSelector.matchLabels).toEqual({
      'app.kubernetes.io/name': 'fractal-lba',
      'app.kubernetes.io/instance': 'fractal-lba',
    })
    expect(spec.policyTypes).toEqual(['Ingress', 'Egress'])
    expect(spec.ingress).toBeUndefined()
    expect(
      spec.egress.map(({ ports }: KubeObject) => ports.map(({ port }: { port: number }) => port)),
    ).toEqual([[53, 53]])
    // All pods have those labels.
    for (const template of objects.flatMap((object) => podTemplateOf(object) ?? [])) {
      expect(template.metadata.labels).toMatchObject(spec.podSelector.matchLabels)
    }
  })

  it('a certificate for each role, by its name', async () => {
    const objects = await helm.objects({ values: over(filler, { mtls: { enabled: true } }) })
    const certificates = objects.filter(({ kind, spec }) => kind === 'Certificate' && !spec.isCA)
    expect(certificates.map(({ spec }) => spec.dnsNames[0]).sort()).toEqual([...roles].sort())
    for (const { spec } of certificates) {
      const others = spec.dnsNames.slice(1)
      expect(others.filter((name: string) => roles.some((role) => role === name))).toEqual([])
      expect(spec.usages).toEqual(expect.arrayContaining(['server auth', 'client auth']))
    }
  })

  it('each log has a name of its own, as many as there are', async () => {
    for (const replicaCount of [1, 3]) {
      const objects = await helm.objects({ values: over(filler, { wal: { replicaCount } }) })
      const addresses = Array.from(
        { length: replicaCount },
        (_, index) => `fractal-lba-wal-${index}.fractal-lba-wal:8082`,
      )
      for (const name of ['fractal-lba', 'fractal-lba-dedup']) {
        const [container] = podTemplateOf(objectOf(objects, 'Deployment', name))?.spec.containers ?? []
        expect(envOf(container).WAL_ADDR).toBe(addresses.join(','))
      }
      const set = objectOf(objects, 'StatefulSet', 'fractal-lba-wal')
      expect(set.spec).toMatchObject({ serviceName: 'fractal-lba-wal', replicas: replicaCount })
      // A log that takes nothing must still be found: what is open in it is finished, and dedup reads it.
      expect(objectOf(objects, 'Service', 'fractal-lba-wal').spec).toMatchObject({
        clusterIP: 'None',
        publishNotReadyAddresses: true,
      })
    }
  })

  it('callers spread over the addresses of headless names', async () => {
    const objects = await helm.objects({ values: filler })
    for (const name of ['verifier', 'dedup', 'signal-scoring'] as const) {
      expect(objectOf(objects, 'Service', nameOf(name)).spec.clusterIP).toBe('None')
    }
  })
})

function text({ from, to, port }: Edge): string {
  return `${from} > ${to}:${port}`
}

function envOf(container: KubeObject): Readonly<Record<string, string>> {
  return Object.fromEntries(
    container.env.map(({ name, value }: { name: string; value: string }) => [name, value]),
  )
}

/** What the policies of one direction open between pods of the chart. */
function edgesOf(objects: readonly KubeObject[], direction: 'ingress' | 'egress'): readonly Edge[] {
  const COMPONENT = 'app.kubernetes.io/component'
  return objects
    .filter(({ kind, metadata }) => kind === 'NetworkPolicy' && metadata.name !== 'fractal-lba-deny')
    .flatMap(({ spec }) => {
      const own: string = spec.podSelector.matchLabels[COMPONENT]
      return (spec[direction] ?? []).flatMap((rule: KubeObject) => {
        const peers: readonly KubeObject[] = rule.from ?? rule.to ?? []
        const components = peers.flatMap(({ podSelector, namespaceSelector }) =>
          namespaceSelector ? [] : [podSelector.matchLabels[COMPONENT] as string],
        )
        return components.flatMap((other) =>
          rule.ports.map(({ port }: { port: number }) =>
            direction === 'ingress' ? { from: other, to: own, port } : { from: own, to: other, port },
          ),
        )
      })
    })
}
