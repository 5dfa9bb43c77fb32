/**
 * The services of the product and where each is found (contract, section 8). Configuration, the local start, the
 * command line and the tests read this table; none of them has a copy of it.
 */
export interface Service {
  /** Full name of its gRPC service: flk.wal.v1.WalService. */
  readonly protoService: string
  /** Of its gRPC port, above the base port. */
  readonly grpcOffset: number
  /** Of the port that serves /metrics, /health and /ready, above the base port. */
  readonly opsOffset: number
  /** The services that it calls. */
  readonly needs: readonly InternalServiceName[]
  /**
   * Which of its methods each caller may call, where certificates say who calls; what is not listed is refused. Health
   * and reflection are for everybody with a certificate of the same authority.
   */
  readonly callers: Partial<Readonly<Record<Role, readonly string[]>>>
}

export interface InternalService extends Service {
  /** The environment variable that tells its callers where it is. */
  readonly addressVariable: string
}

export type InternalServiceName = 'wal' | 'verifier' | 'dedup' | 'signal-scoring'
export type ServiceName = InternalServiceName | 'gateway'
/** What a certificate stands for: a service, or the tools of an operator (`pcs`). */
export type Role = ServiceName | 'tools'

/** PORT when nothing is set. */
export const PORT_DEFAULT = 8080
/** The highest PORT that leaves room for all ports above it, in a round number. */
export const PORT_MAX = 60_000
/** The gateway's HTTP port is the base port itself; the others serve plain HTTP so far above their gRPC port. */
const OPS_ABOVE_GRPC = 1_000
const LOOPBACK = '127.0.0.1'

interface Topology extends Readonly<Record<InternalServiceName, InternalService>> {
  readonly gateway: Service
}

export const topology: Topology = {
  wal: {
    protoService: 'flk.wal.v1.WalService',
    grpcOffset: 2,
    opsOffset: 2 + OPS_ABOVE_GRPC,
    addressVariable: 'WAL_ADDR',
    needs: [],
    callers: {
      gateway: [
        ...['Append', 'AppendBatches', 'MarkDone', 'MarkDoneBatches'],
        ...['LeaseOpen', 'ReportReplayFailure', 'GetState'],
      ],
      dedup: ['ReadMarks', 'Fence', 'GetState', 'CopyMarks', 'Retire'],
      tools: [
        ...['ReadMarks', 'GetState', 'ListDeadLetters', 'DriveAgain'],
        ...['Drain', 'Compact', 'ConfirmClock'],
      ],
    },
  },
  verifier: {
    protoService: 'flk.verifier.v1.VerifierService',
    grpcOffset: 3,
    opsOffset: 3 + OPS_ABOVE_GRPC,
    addressVariable: 'VERIFIER_ADDR',
    needs: [],
    callers: { gateway: ['Verify', 'VerifyBatches'] },
  },
  dedup: {
    protoService: 'flk.dedup.v1.DedupService',
    grpcOffset: 4,
    opsOffset: 4 + OPS_ABOVE_GRPC,
    addressVariable: 'DEDUP_ADDR',
    needs: ['wal'],
    callers: {
      gateway: ['Lookup', 'LookupBatches', 'PutIfAbsent', 'PutIfAbsentBatches', 'Get', 'GetState'],
      tools: [
        ...['Get', 'GetState', 'Rebuild', 'Verify', 'ConfirmClock'],
        ...['ListLogs', 'AddLog', 'RetireLog'],
      ],
    },
  },
  'signal-scoring': {
    protoService: 'flk.scoring.v1.ScoringService',
    grpcOffset: 5,
    opsOffset: 5 + OPS_ABOVE_GRPC,
    addressVariable: 'SCORING_ADDR',
    needs: [],
    callers: { gateway: ['Judge', 'JudgeBatches'] },
  },
  gateway: {
    protoService: 'flk.ingest.v1.IngestService',
    grpcOffset: 1,
    opsOffset: 0,
    needs: ['wal', 'verifier', 'dedup', 'signal-scoring'],
    // Agents and people call it, through its own fronts.
    callers: {},
  },
}

/** In the order in which they are started. */
export const serviceNames = Object.keys(topology) as readonly ServiceName[]
/** Everything that a certificate may stand for. */
export const roles: readonly Role[] = [...serviceNames, 'tools']
export const internalServiceNames = serviceNames.filter((name) => name !== 'gateway')
export const addressVariables = internalServiceNames.map((name) => topology[name].addressVariable)

/** Port of a service's gRPC when PORT is `base`. */
export function grpcPort(name: ServiceName, base: number): number {
  return base + topology[name].grpcOffset
}

/** Port of a service's /metrics, /health and /ready when PORT is `base`. */
export function opsPort(name: ServiceName, base: number): number {
  return base + topology[name].opsOffset
}

/** host:port where the gateway's /metrics, /health and /ready are in plain HTTP while its own port has TLS. */
export function localPlainOpsAddress(base: number): string {
  return `${LOOPBACK}:${base + topology.gateway.grpcOffset + OPS_ABOVE_GRPC}`
}

/** host:port of a service's gRPC in the local start. */
export function localGrpcAddress(name: ServiceName, base: number): string {
  return `${LOOPBACK}:${grpcPort(name, base)}`
}

/** host:port of a service's /metrics, /health and /ready in the local start. */
export function localOpsAddress(name: ServiceName, base: number): string {
  return `${LOOPBACK}:${opsPort(name, base)}`
}

/** The service with this gRPC service. */
export function serviceOf(protoService: string): ServiceName | undefined {
  return serviceNames.find((name) => topology[name].protoService === protoService)
}

/** The services that call this one. */
export function callersOf(name: ServiceName): readonly ServiceName[] {
  return serviceNames.filter((caller) => topology[caller].needs.some((needed) => needed === name))
}

/** Groups of services in the order in which they are stopped: each only after all that call it. */
export function stopOrder(): readonly (readonly ServiceName[])[] {
  const groups: ServiceName[][] = []
  let left = [...serviceNames]
  while (left.length > 0) {
    const group = left.filter((name) => !callersOf(name).some((caller) => left.includes(caller)))
    if (group.length === 0) throw new Error(`these services need each other in a circle: ${left.join(', ')}`)
    groups.push(group)
    left = left.filter((name) => !group.includes(name))
  }
  return groups
}

/** A port with the one that needs it, for a sentence. */
export interface PortUse {
  readonly port: number
  readonly neededBy: string
}

/** Every port that is listened on when PORT is `base`. */
export function portUses(base: number): readonly PortUse[] {
  return [
    { port: opsPort('gateway', base), neededBy: 'the gateway (HTTP)' },
    { port: grpcPort('gateway', base), neededBy: 'the gateway (gRPC)' },
    ...internalServiceNames.flatMap((name) => [
      { port: grpcPort(name, base), neededBy: `${name} (gRPC)` },
      { port: opsPort(name, base), neededBy: `${name} (metrics)` },
    ]),
  ]
}
