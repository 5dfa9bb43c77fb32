/** A node that kwok plays. */
export interface NodeShape {
  readonly name: string
  readonly zone: string
  /** Cores, as Kubernetes writes them. */
  readonly cpu: string
  readonly memory: string
}

const PODS_MAX = '110'

/** One machine of 4 cores and 8 GiB: what a trial has. */
export const ONE_NODE: readonly NodeShape[] = [{ name: 'node-a1', zone: 'zone-a', cpu: '4', memory: '8Gi' }]

/** Six machines in three zones. */
export const THREE_ZONES: readonly NodeShape[] = ['a', 'b', 'c'].flatMap((zone) =>
  [1, 2].map((number) => ({
    name: `node-${zone}${number}`,
    zone: `zone-${zone}`,
    cpu: '16',
    memory: '32Gi',
  })),
)

/** The object of a node, with all that a kubelet would say of its machine. */
export function nodeObject({ name, zone, cpu, memory }: NodeShape): object {
  const room = { cpu, memory, pods: PODS_MAX }
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      labels: {
        'kubernetes.io/hostname': name,
        'kubernetes.io/os': 'linux',
        'kubernetes.io/arch': 'amd64',
        'topology.kubernetes.io/zone': zone,
      },
    },
    status: { capacity: room, allocatable: room },
  }
}
