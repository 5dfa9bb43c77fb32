import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { serviceNames } from '@fractal-lba/runtime'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { chart, execute, filler, helms, type KubeObject, objectOf, podTemplateOf, root } from './helm.js'
import { over } from './over.js'

// What is easy to get wrong between the parts of the chart.

const [helm] = helms
const CHECKSUM = 'checksum/config'
const PRODUCTION = { files: ['values-production.yaml'] }

function checksumsOf(objects: readonly KubeObject[], name: string): Readonly<Record<string, string>> {
  const pairs = objects.flatMap((object) => {
    const sum = podTemplateOf(object)?.metadata.annotations?.[name]
    return sum === undefined
      ? []
      : [[object.metadata.labels?.['app.kubernetes.io/component'] ?? '', sum] as const]
  })
  return Object.fromEntries(pairs)
}

function differing(one: Readonly<Record<string, string>>, other: Readonly<Record<string, string>>): string[] {
  return Object.keys({ ...one, ...other })
    .filter((key) => one[key] !== other[key])
    .sort()
}

describe.skipIf(helm.missing)(`wiring, by ${helm.title}`, () => {
  it.each([
    ['TOKEN_RATE', '7', ['gateway']],
    ['WAL_RETENTION', '1d', ['wal']],
    ['PCS_TOL_D', '0.2', ['signal-scoring']],
    ['DEDUP_TTL', '7d', ['dedup', 'wal']],
    ['LOG_LEVEL', 'debug', [...serviceNames].sort()],
  ])('a change of %s restarts those that read it, and nobody else', async (name, value, readers) => {
    const before = checksumsOf(await helm.objects({ values: filler }), CHECKSUM)
    const after = await helm.objects({ values: over(filler, { config: { data: { [name]: value } } }) })
    expect(differing(before, checksumsOf(after, CHECKSUM))).toEqual(readers)
  })

  it('a further log restarts gateways and indexes, and no log', async () => {
    const one = await helm.objects({ values: filler })
    const two = await helm.objects({ values: over(filler, { wal: { replicaCount: 2 } }) })
    const template = (objects: readonly KubeObject[], kind: string, name: string) =>
      podTemplateOf(objectOf(objects, kind, name))
    expect(template(two, 'StatefulSet', 'fractal-lba-wal')).toEqual(
      template(one, 'StatefulSet', 'fractal-lba-wal'),
    )
    for (const name of ['fractal-lba', 'fractal-lba-dedup']) {
      expect(template(two, 'Deployment', name)).not.toEqual(template(one, 'Deployment', name))
    }
  })

  it('a new password of the chart restarts Redis and dedup', async () => {
    const values = (password: string) => over(filler, { redis: { auth: { existingSecret: '', password } } })
    const sums = async (password: string) =>
      checksumsOf(await helm.objects({ values: values(password) }), 'checksum/secret')
    expect(differing(await sums('one'), await sums('two'))).toEqual(['dedup', 'redis'])
  })

  it('in production no service may be reached without TLS, and no secret is made', async () => {
    const objects = await helm.objects(PRODUCTION)
    expect(JSON.stringify(objects)).not.toContain('INSECURE_LISTEN')
    expect(objects.filter(({ kind }) => kind === 'Secret')).toEqual([])
    const { code, stderr } = await helm.template({ ...PRODUCTION, values: { mtls: { enabled: false } } })
    expect(code).not.toBe(0)
    expect(stderr).toContain('mtls.required')
  })

  it('in production everything that serves is there three times, spread, and may lose one at a time', async () => {
    const objects = await helm.objects(PRODUCTION)
    for (const name of [
      'fractal-lba',
      'fractal-lba-verifier',
      'fractal-lba-signal-scoring',
      'fractal-lba-dedup',
    ]) {
      expect(objectOf(objects, 'HorizontalPodAutoscaler', name).spec).toMatchObject({
        minReplicas: 3,
        maxReplicas: 10,
      })
      expect(objectOf(objects, 'PodDisruptionBudget', name).spec.minAvailable).toBe(2)
    }
    const wal = objectOf(objects, 'StatefulSet', 'fractal-lba-wal')
    expect(wal.spec.replicas).toBe(3)
    expect(wal.spec.volumeClaimTemplates[0].spec).toMatchObject({
      accessModes: ['ReadWriteOncePod'],
      storageClassName: 'fast-ssd',
    })
    expect(
      objects.some(
        ({ kind, metadata }) => kind === 'HorizontalPodAutoscaler' && metadata.name.endsWith('wal'),
      ),
    ).toBe(false)
    for (const object of objects) {
      if (object.kind !== 'Deployment' && object.kind !== 'StatefulSet') continue
      const [zone] = podTemplateOf(object)?.spec.topologySpreadConstraints ?? []
      expect(zone).toMatchObject({
        topologyKey: 'topology.kubernetes.io/zone',
        whenUnsatisfiable: 'DoNotSchedule',
      })
    }
  })

  it('each monitor gives its service the job that the rules know', async () => {
    const objects = await helm.objects({
      values: over(filler, { prometheus: { enabled: true }, agent: { enabled: true } }),
    })
    for (const service of [...serviceNames, 'agent']) {
      const name = service === 'gateway' ? 'fractal-lba' : `fractal-lba-${service}`
      const kind = service === 'agent' ? 'PodMonitor' : 'ServiceMonitor'
      const { spec } = objectOf(objects, kind, name)
      const [endpoint] = spec.endpoints ?? spec.podMetricsEndpoints
      expect(endpoint).toMatchObject({ port: 'ops', path: '/metrics' })
      expect(endpoint.relabelings).toContainEqual({ targetLabel: 'job', replacement: `flk-${service}` })
      const selected = objects.filter(
        ({ kind: other, metadata }) =>
          other === (kind === 'PodMonitor' ? 'StatefulSet' : 'Service') &&
          Object.entries(spec.selector.matchLabels).every(([key, value]) => metadata.labels?.[key] === value),
      )
      expect(selected.length, name).toBe(1)
    }
  })

  it('rules and dashboards are those of observability/, with links of this installation or none', async () => {
    const ruleCount = ['recording', 'alerts']
      .map((name) => parse(readFileSync(join(root, `observability/prometheus/${name}.yml`), 'utf8')))
      .reduce((sum, { groups }) => sum + groups.flatMap(({ rules }: KubeObject) => rules).length, 0)
    const on = { prometheus: { enabled: true }, grafana: { enabled: true } }
    const bases = {
      runbookBaseUrl: 'https://r.internal.example/',
      dashboardBaseUrl: 'https://g.internal.example',
    }
    const linked = await helm.objects({ values: over(filler, { ...on, ...bases }) })
    const rules = objectOf(linked, 'PrometheusRule', 'fractal-lba').spec.groups.flatMap(
      ({ rules }: KubeObject) => rules,
    )
    expect(rules.length).toBe(ruleCount)
    const alert = rules.find(({ alert }: KubeObject) => alert === 'FLKBackendDown')
    expect(alert.annotations).toMatchObject({
      runbook_url: 'https://r.internal.example/backend-down.md',
      description: expect.stringContaining('{{'),
    })
    expect(JSON.stringify(linked)).not.toMatch(/(runbooks|grafana)\.example/)
    const dashboards = linked.filter(({ metadata }) => metadata.labels?.grafana_dashboard === '1')
    expect(dashboards.length).toBe(5)
    for (const { data } of dashboards) for (const text of Object.values(data)) JSON.parse(text as string)
    expect(objectOf(linked, 'ConfigMap', 'fractal-lba-config').data).toMatchObject({
      RUNBOOK_BASE_URL: 'https://r.internal.example/',
      DASHBOARD_BASE_URL: 'https://g.internal.example',
    })

    const bare = await helm.objects({ values: over(filler, on) })
    expect(JSON.stringify(bare)).not.toMatch(/(runbooks|grafana)\.example/)
    for (const object of bare.filter(({ metadata }) => metadata.labels?.grafana_dashboard === '1')) {
      for (const text of Object.values(object.data)) JSON.parse(text as string)
    }
  })

  it('all names follow the release', async () => {
    const objects = await helm.objects({ values: filler, release: 'blue' })
    for (const { kind, metadata } of objects) {
      expect(metadata.name === 'blue' || metadata.name.startsWith('blue-'), `${kind} ${metadata.name}`).toBe(
        true,
      )
      expect(metadata.labels?.['app.kubernetes.io/instance']).toBe('blue')
    }
    expect(JSON.stringify(objects)).not.toContain('fractal-lba-wal-0')
  })

  it('the memory of one index is on a volume of its pod, and of that alone', async () => {
    const objects = await helm.objects({
      values: over(filler, { config: { data: { DEDUP_BACKEND: 'memory' } } }),
    })
    const spec = podTemplateOf(objectOf(objects, 'Deployment', 'fractal-lba-dedup'))?.spec
    expect(spec.volumes).toContainEqual({ name: 'data', emptyDir: {} })
    expect(spec.containers[0].volumeMounts).toContainEqual({ name: 'data', mountPath: '/data' })
  })

  it('an older Kubernetes than it is for is refused', async () => {
    const { code, stderr } = await helm.template({ values: filler, kubeVersion: '1.26.0' })
    expect(code).not.toBe(0)
    expect(stderr).toContain('>=1.27-0')
  })
})

describe.each(helms)('$title', (each) => {
  describe.skipIf(each.missing)('is there', () => {
    it('finds every subchart without a download', async () => {
      const { code, stdout } = await each.run('dependency', 'list', chart)
      expect(code).toBe(0)
      const rows = stdout.split('\n').filter((line) => line.includes('0.1.0'))
      expect(rows.length).toBe(10)
      for (const row of rows) expect(row).toContain('unpacked')
    })

    it('packages a chart without tests, which renders the same', async () => {
      const place = mkdtempSync(join(tmpdir(), 'fractal-lba-package-'))
      try {
        const packed = await each.run(
          'package',
          chart,
          '--destination',
          place,
          '--version',
          '9.8.7',
          '--app-version',
          '9.8.7',
        )
        expect(packed.code, packed.stderr).toBe(0)
        const { stdout: names } = await execute('tar', [
          '--list',
          '--file',
          join(place, 'fractal-lba-9.8.7.tgz'),
        ])
        expect(names).toContain('fractal-lba/values-production.yaml')
        expect(names).toContain('fractal-lba/templates/tests/check.yaml')
        expect(names).not.toContain('_test.yaml')
        const { stdout, stderr } = await each.run(
          ...['template', 'fractal-lba', join(place, 'fractal-lba-9.8.7.tgz')],
          ...['--kube-version', '1.34.0', '--values', join(chart, 'values-production.yaml')],
        )
        expect(stderr).not.toContain('Error')
        expect(stdout).toContain('image: "ghcr.io/fractal-lba/gateway:9.8.7"')
      } finally {
        rmSync(place, { recursive: true, force: true })
      }
    })
  })
})
