import type { Cluster } from '@fractal-lba/test-cluster'

interface Reference {
  readonly name?: string
  readonly optional?: boolean
}

interface KeyReference extends Reference {
  readonly key: string
}

interface Keys {
  readonly items?: readonly { readonly key: string }[]
}

interface Container {
  readonly name: string
  readonly envFrom?: readonly { readonly configMapRef?: Reference; readonly secretRef?: Reference }[]
  readonly env?: readonly {
    readonly name: string
    readonly value?: string
    readonly valueFrom?: { readonly configMapKeyRef?: KeyReference; readonly secretKeyRef?: KeyReference }
  }[]
}

interface VolumeSource {
  readonly configMap?: Reference & Keys
  readonly secret?: Keys & {
    readonly secretName?: string
    readonly name?: string
    readonly optional?: boolean
  }
  readonly projected?: { readonly sources?: readonly VolumeSource[] }
}

export interface PodSpec {
  readonly containers: readonly Container[]
  readonly initContainers?: readonly Container[]
  readonly volumes?: readonly VolumeSource[]
  readonly imagePullSecrets?: readonly Reference[]
}

/** ConfigMaps and Secrets by `kind/name`, with the keys that each has. */
export type Known = ReadonlyMap<string, ReadonlySet<string>>

interface Wanted {
  readonly object: string
  readonly keys: readonly string[]
}

interface WithData {
  readonly metadata: { readonly name: string }
  readonly data?: Readonly<Record<string, string>>
  readonly binaryData?: Readonly<Record<string, string>>
}

/** A played pod starts without what a kubelet would wait for. @returns a sentence for each that is not there. */
export function missingReferences(spec: PodSpec, known: Known): string[] {
  return wantedBy(spec).flatMap(({ object, keys }) => {
    const has = known.get(object)
    if (!has) return [`there is no ${object}`]
    return keys.filter((key) => !has.has(key)).map((key) => `${object} has no ${key}`)
  })
}

/** What a namespace has. */
export async function knownIn(
  cluster: Cluster,
  namespace: string,
): Promise<Map<string, ReadonlySet<string>>> {
  const known = new Map<string, ReadonlySet<string>>()
  for (const kind of ['ConfigMap', 'Secret']) {
    const { items } = await cluster.get<{ items: readonly WithData[] }>(kind, '--namespace', namespace)
    for (const { metadata, data, binaryData } of items) {
      known.set(`${kind}/${metadata.name}`, new Set(Object.keys({ ...data, ...binaryData })))
    }
  }
  return known
}

function wantedBy({
  containers,
  initContainers = [],
  volumes = [],
  imagePullSecrets = [],
}: PodSpec): Wanted[] {
  const all = [...initContainers, ...containers]
  return [
    ...all.flatMap(({ envFrom = [] }) =>
      envFrom.flatMap(({ configMapRef, secretRef }) => [
        ...whole('ConfigMap', configMapRef),
        ...whole('Secret', secretRef),
      ]),
    ),
    ...all.flatMap(({ env = [] }) =>
      env.flatMap(({ valueFrom }) => [
        ...oneKey('ConfigMap', valueFrom?.configMapKeyRef),
        ...oneKey('Secret', valueFrom?.secretKeyRef),
      ]),
    ),
    ...volumes.flatMap(ofVolume),
    ...imagePullSecrets.flatMap((reference) => whole('Secret', reference)),
  ]
}

function ofVolume({ configMap, secret, projected }: VolumeSource): Wanted[] {
  return [
    ...whole('ConfigMap', configMap, configMap),
    ...whole('Secret', secret && { ...secret, name: secret.secretName ?? secret.name ?? '' }, secret),
    ...(projected?.sources ?? []).flatMap(ofVolume),
  ]
}

function whole(kind: string, reference: Reference | undefined, { items = [] }: Keys = {}): Wanted[] {
  if (!reference || reference.optional) return []
  return [{ object: `${kind}/${reference.name}`, keys: items.map(({ key }) => key) }]
}

function oneKey(kind: string, reference: KeyReference | undefined): Wanted[] {
  if (!reference || reference.optional) return []
  return [{ object: `${kind}/${reference.name}`, keys: [reference.key] }]
}
