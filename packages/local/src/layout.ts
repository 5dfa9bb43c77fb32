import { join } from 'node:path'

/** The processes of the product, in the order in which they are started; the gateway is the first to stop. */
export const serviceNames = ['wal', 'verifier', 'dedup', 'signal-scoring', 'gateway'] as const
export type ServiceName = (typeof serviceNames)[number]

/** What the metrics port of a service lies above its gRPC port (`docs/contract.md`, section 8). */
const METRICS_OFFSET = 1000
/** The highest PORT that leaves room for all ports above it, in a round number. */
export const PORT_MAX = 60_000

const servicePortOffset = { wal: 2, verifier: 3, dedup: 4, 'signal-scoring': 5 } as const

/** A program of the constellation: its name and the file that Node runs. */
export interface Program {
  readonly name: ServiceName
  readonly main: string
}

/** The programs as the build leaves them under the root of the checkout. */
export function builtPrograms(root: string): readonly Program[] {
  return serviceNames.map((name) => ({
    name,
    main:
      name === 'gateway' ? join(root, 'gateway/dist/main.js') : join(root, 'services', name, 'dist/main.js'),
  }))
}

/** A port with the one that needs it, for a sentence. */
export interface PortUse {
  readonly port: number
  readonly neededBy: string
}

/** Every port that a constellation at `base` listens on. */
export function portUses(base: number): readonly PortUse[] {
  const uses: PortUse[] = [
    { port: base, neededBy: 'the gateway (HTTP)' },
    { port: base + 1, neededBy: 'the gateway (gRPC)' },
  ]
  for (const [name, offset] of Object.entries(servicePortOffset)) {
    uses.push({ port: base + offset, neededBy: `${name} (gRPC)` })
    uses.push({ port: base + offset + METRICS_OFFSET, neededBy: `${name} (metrics)` })
  }
  return uses
}

/** The variables that place one process: its own addresses, those of the others, where it keeps its data. */
export function placement(
  name: ServiceName,
  base: number,
  dataDir: string,
): Readonly<Record<string, string>> {
  const address = (offset: number): string => `127.0.0.1:${base + offset}`
  if (name === 'gateway') {
    return {
      PORT: String(base),
      WAL_ADDR: address(servicePortOffset.wal),
      VERIFIER_ADDR: address(servicePortOffset.verifier),
      DEDUP_ADDR: address(servicePortOffset.dedup),
      SCORING_ADDR: address(servicePortOffset['signal-scoring']),
    }
  }
  const own = {
    GRPC_ADDR: address(servicePortOffset[name]),
    METRICS_ADDR: address(servicePortOffset[name] + METRICS_OFFSET),
  }
  switch (name) {
    case 'wal':
      return { ...own, WAL_DIR: join(dataDir, 'wal') }
    case 'dedup':
      return {
        ...own,
        WAL_ADDR: address(servicePortOffset.wal),
        DEDUP_SNAPSHOT: join(dataDir, 'dedup', 'snapshot'),
      }
    default:
      return own
  }
}
