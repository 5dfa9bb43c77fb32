import { readAgentConfig } from '@fractal-lba/agent/run'
import { readDedupConfig } from '@fractal-lba/dedup-service'
import { readGatewayConfig } from '@fractal-lba/gateway'
import { ConfigError, Env, parseAddress, type ServiceName, serviceNames } from '@fractal-lba/runtime'
import { readScoringConfig } from '@fractal-lba/signal-scoring-service'
import { readVerifierConfig } from '@fractal-lba/verifier-service'
import { readWalConfig } from '@fractal-lba/wal-service'
import { describe, expect, it } from 'vitest'
import { filler, helms, type KubeObject, podTemplateOf } from './helm.js'
import { over } from './over.js'
import { profiles } from './profiles.js'

// The environment that a pod gets is one that its program takes, read by the program's own readers.

const readers: Readonly<Record<ServiceName | 'agent', (env: Env) => unknown>> = {
  gateway: readGatewayConfig,
  wal: readWalConfig,
  verifier: readVerifierConfig,
  dedup: readDedupConfig,
  'signal-scoring': readScoringConfig,
  agent: readAgentConfig,
}

/** What is in Secrets and ConfigMaps that are not the chart's. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  PCS_HMAC_KEY: 'a throw-away key that everybody knows',
  PCS_ED25519_PUB_B64: '11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=',
  PCS_ED25519_PRIV_B64: 'nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=',
  METRICS_USER: 'ops',
  METRICS_PASS: 'a throw-away password',
  REDIS_PASSWORD: 'a throw-away password',
  POSTGRES_PASSWORD: 'a throw-away password',
  POSTGRES_CONN: 'host=postgres.example user=fractal dbname=fractal_lba sslmode=require',
}

interface Entry {
  readonly name: string
  readonly value?: string
}

function environmentOf(
  objects: readonly KubeObject[],
  workload: KubeObject,
): Readonly<Record<string, string>> {
  const [container] = podTemplateOf(workload)?.spec.containers ?? []
  const shared = (container.envFrom ?? []).map(({ configMapRef }: KubeObject) => {
    const own = objects.find(
      ({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === configMapRef?.name,
    )
    return own?.data ?? ELSEWHERE
  })
  const entries = ((container.env ?? []) as readonly Entry[]).map(({ name, value }) => [
    name,
    value ?? ELSEWHERE[name] ?? `${name} is not known here`,
  ])
  return Object.assign({}, ...shared, Object.fromEntries(entries))
}

/** @returns what the program says of this environment */
function mistakesOf(
  service: ServiceName | 'agent',
  environment: Readonly<Record<string, string>>,
): readonly string[] {
  const env = new Env(environment)
  try {
    readers[service](env)
    env.done()
    return []
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.mistakes
  }
}

const [helm] = helms
describe.skipIf(helm.missing)(`environments, by ${helm.title}`, () => {
  const withAgent = {
    title: 'values.yaml with an agent, mTLS and Jaeger',
    files: [],
    values: over(filler, {
      agent: { enabled: true },
      mtls: { enabled: true },
      jaeger: { enabled: true },
      secrets: { metrics: { existingSecret: 'metrics-auth-secret' } },
    }),
  }

  it.each([...profiles, withAgent])('each program takes that of $title', async ({ files, values }) => {
    const objects = await helm.objects({ files, values })
    for (const service of [...serviceNames, 'agent'] as const) {
      const workload = objects.find(
        (object) =>
          ['Deployment', 'StatefulSet'].includes(object.kind) &&
          object.metadata.labels?.['app.kubernetes.io/component'] === service,
      )
      if (!workload) continue
      const environment = environmentOf(objects, workload)
      expect(mistakesOf(service, environment), service).toEqual([])
    }
  })

  it('each address leads to a Service of the chart, at a port that it has', async () => {
    const objects = await helm.objects({ files: ['values-production.yaml'] })
    const services = new Map(
      objects
        .filter(({ kind }) => kind === 'Service')
        .map(({ metadata, spec }) => [metadata.name, spec.ports.map(({ port }: { port: number }) => port)]),
    )
    const gateway = objects.find(
      ({ kind, metadata }) => kind === 'Deployment' && metadata.name === 'fractal-lba',
    )
    if (!gateway) throw new Error('there is no gateway')
    const environment = environmentOf(objects, gateway)
    const addresses = ['WAL_ADDR', 'VERIFIER_ADDR', 'DEDUP_ADDR', 'SCORING_ADDR'].flatMap((name) =>
      (environment[name] ?? '').split(','),
    )
    expect(addresses.length).toBe(6)
    for (const address of addresses) {
      const { host, port } = parseAddress(address) ?? { host: '', port: 0 }
      const name = host.split('.').at(-1) ?? ''
      expect(services.get(name), address).toContain(port)
    }
  })
})
