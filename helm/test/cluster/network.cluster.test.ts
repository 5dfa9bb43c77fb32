import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { builtGoProgram, helmPrograms, run } from '@fractal-lba/test-servers'
import { afterAll, describe, expect, test } from 'vitest'
import { type Analysis, type Edge, edgeTable, openEdges, sorted, topologyEdges } from './edges.js'
import { CHART, profileFile, RELEASE } from './installation.js'

const DOCUMENT = join(import.meta.dirname, '../../../docs/network-policies.md')
const helm = builtGoProgram(helmPrograms.helm4)
const netpolicy = builtGoProgram(helmPrograms.netpolicy)
const missing = [helm, netpolicy].flatMap((found) => ('missing' in found ? [found.missing] : []))
const directory = mkdtempSync(join(tmpdir(), 'fractal-lba-policies-'))

afterAll(() => rmSync(directory, { recursive: true, force: true }))

const DNS = 'kube-system/[pod with {k8s-app=kube-dns}]'
const PROMETHEUS = 'monitoring/[pod with {app.kubernetes.io/name=prometheus}]'
/** Ports of /metrics. */
const OPS: Readonly<Record<string, number>> = {
  gateway: 9081,
  wal: 9082,
  verifier: 9083,
  dedup: 9084,
  'signal-scoring': 9085,
  agent: 9086,
}
const SERVICES = ['gateway', 'wal', 'verifier', 'dedup', 'signal-scoring']
/** `helm test` hands a record in. */
const TOOLS_TO_GATEWAY: Edge = { from: 'tools', to: 'gateway', ports: 'TCP 8080' }

const wanted = {
  production: {
    args: ['--values', profileFile('production')],
    edges: [
      ...ours([...SERVICES, 'tools']),
      { from: 'ingress-nginx/[all pods]', to: 'gateway', ports: 'TCP 8080-8081' },
      { from: 'dedup', to: 'redis/[all pods]', ports: 'TCP 6379' },
    ],
  },
  trial: {
    args: [
      ...['--set', 'networkPolicy.enabled=true,agent.enabled=true,jaeger.enabled=true'],
      ...[
        '--set',
        'secrets.signing.existingSecret=pcs-hmac-secret,redis.auth.existingSecret=redis-auth-secret',
      ],
    ],
    edges: [
      ...ours([...SERVICES, 'tools', 'agent']),
      { from: 'agent', to: 'gateway', ports: 'TCP 8080' },
      { from: 'dedup', to: 'redis', ports: 'TCP 6379' },
      ...[...SERVICES, 'agent'].map((from) => ({ from, to: 'jaeger', ports: 'TCP 4318' })),
      ...['redis', 'jaeger'].map(toDns),
    ],
  },
} as const

describe.skipIf(missing.length > 0)(`network policies${missing.map((sentence) => `: ${sentence}`)}`, () => {
  test.each(Object.entries(wanted))(
    'open the architecture’s edges and no others: %s',
    async (name, { args, edges }) => {
      const open = await analysed(args)
      expect(open).toEqual(sorted(edges))
      expect(documented(name)).toBe(edgeTable(open))
    },
  )

  test('that open one more are noticed', async () => {
    const extra = 'verifier.networkPolicy.extraIngress[0].from[0].podSelector.matchLabels.app=stranger'
    const open = await analysed([...wanted.production.args, '--set', extra])
    expect(open).not.toEqual(sorted(wanted.production.edges))
  })
})

/** The topology's edges, names for all, and Prometheus at each. */
function ours(parts: readonly string[]): Edge[] {
  return [
    ...topologyEdges(),
    TOOLS_TO_GATEWAY,
    ...parts.map(toDns),
    ...parts.filter((to) => to in OPS).map((to) => ({ from: PROMETHEUS, to, ports: `TCP ${OPS[to]}` })),
  ]
}

function toDns(from: string): Edge {
  return { from, to: DNS, ports: 'TCP 53,UDP 53' }
}

async function analysed(args: readonly string[]): Promise<Edge[]> {
  if ('missing' in helm || 'missing' in netpolicy) throw new Error(missing.join('; '))
  const rendered = await run(helm.path, ['template', RELEASE, CHART, ...args])
  const place = mkdtempSync(join(directory, 'rendered-'))
  writeFileSync(join(place, 'chart.yaml'), rendered)
  const said = await run(netpolicy.path, [
    'list',
    '--dirpath',
    place,
    '--exposure',
    '--output',
    'json',
    '--quiet',
  ])
  const analysis: Analysis = JSON.parse(said)
  return openEdges(analysis, RELEASE)
}

/** The table between the marks of this name in the document. */
function documented(name: string): string {
  const [, table = 'no table'] =
    new RegExp(`<!-- edges: ${name} -->\\n([^]*?)<!-- end -->`).exec(readFileSync(DOCUMENT, 'utf8')) ?? []
  return table.trim()
}
