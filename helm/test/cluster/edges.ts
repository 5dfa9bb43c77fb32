import { grpcPort, PORT_DEFAULT, type Role, serviceNames, topology } from '@fractal-lba/runtime'

/** Something may open connections to something. */
export interface Edge {
  readonly from: string
  readonly to: string
  /** As the analyzer writes it: TCP 8082. */
  readonly ports: string
}

interface Connection {
  readonly src: string
  readonly dst: string
  readonly conn: string
}

/** What `netpolicy list --exposure -o json` says. */
export interface Analysis {
  readonly connlist_results: readonly Connection[]
  readonly exposure_results: {
    readonly egress_exposure: readonly Connection[]
    readonly ingress_exposure: readonly Connection[]
  }
}

/** Jobs whose pods are the tools, by what the chart calls them. */
const TOOLS = ['compaction', 'test']

/** The edges that policies leave open, the parts of the chart by their words. */
export function openEdges(
  { connlist_results: within, exposure_results: beyond }: Analysis,
  release: string,
): Edge[] {
  const all = [...within, ...beyond.egress_exposure, ...beyond.ingress_exposure]
  return sorted(
    all.map(({ src, dst, conn }) => ({ from: part(src, release), to: part(dst, release), ports: conn })),
  )
}

/** Those between our own programs: each may call what the topology lists it for. */
export function topologyEdges(): Edge[] {
  return serviceNames.flatMap((to) =>
    (Object.keys(topology[to].callers) as Role[]).map((from) => ({
      from,
      to,
      ports: `TCP ${grpcPort(to, PORT_DEFAULT)}`,
    })),
  )
}

/** In one order, each once. */
export function sorted(edges: readonly Edge[]): Edge[] {
  const byText = new Map(edges.map((edge) => [`${edge.from} → ${edge.to} ${edge.ports}`, edge]))
  return [...byText].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, edge]) => edge)
}

/** As the documents have them. */
export function edgeTable(edges: readonly Edge[]): string {
  const rows = sorted(edges).map(({ from, to, ports }) => `| ${from} | ${to} | ${ports} |`)
  return ['| from | to | ports |', '|---|---|---|', ...rows].join('\n')
}

/** `default/fractal-lba-wal[StatefulSet]` is wal; what is not of the chart stays as the analyzer names it. */
function part(peer: string, release: string): string {
  const own = new RegExp(`^default/${release}(?:-([a-z-]+))?\\[`).exec(peer)
  if (!own) return peer
  const word = own[1] ?? 'gateway'
  return TOOLS.includes(word) ? 'tools' : word
}
