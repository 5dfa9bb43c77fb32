import { existsSync } from 'node:fs'
import type { LocalBases } from './local-bases.js'
import type { Podman } from './podman.js'

/** The targets of the Dockerfile. */
export const imageTargets = ['gateway', 'wal', 'verifier', 'dedup', 'signal-scoring', 'tools'] as const
export type ImageTarget = (typeof imageTargets)[number]

const BUILD_LIMIT_MS = 30 * 60_000
const SIZE_UNIT_BYTES = 1_000_000

/** The name of an image without a registry, as the chart has it. */
export function imageName(target: ImageTarget): string {
  return `fractal-lba/${target}`
}

export interface BuildOptions {
  /** The root of the checkout. */
  readonly root: string
  readonly tag: string
  readonly targets?: readonly ImageTarget[]
  /** Instead of those that the Dockerfile names. */
  readonly bases?: LocalBases
}

/** @returns the images by their targets. @throws Error with what the build wrote */
export async function buildImages(
  podman: Podman,
  { root, tag, targets = imageTargets, bases }: BuildOptions,
  say: (line: string) => void,
): Promise<ReadonlyMap<ImageTarget, string>> {
  const built = new Map<ImageTarget, string>()
  for (const target of targets) {
    const image = `localhost/${imageName(target)}:${tag}`
    say(`building ${image}`)
    const given = bases
      ? [`--build-arg=BASE_IMAGE=${bases.base}`, `--build-arg=BUILD_IMAGE=${bases.build}`]
      : []
    await podman(
      // Docker's format has health checks; the network of the host has the way to the registry that npm has here.
      [
        ...['build', '--format=docker', '--network=host', `--target=${target}`, `--tag=${image}`],
        ...[...given, ...secrets(), root],
      ],
      { timeoutMs: BUILD_LIMIT_MS, tellsOnStdout: true },
    )
    built.set(target, image)
  }
  return built
}

/** The authorities that this machine believes beside the usual ones, as its own npm does. */
function secrets(): readonly string[] {
  const { NODE_EXTRA_CA_CERTS: authorities } = process.env
  return authorities !== undefined && existsSync(authorities) ? [`--secret=id=ca,src=${authorities}`] : []
}

/** @returns megabytes (10⁶) of an image, all layers unpacked */
export async function imageMegabytes(podman: Podman, image: string): Promise<number> {
  return Number(await podman(['inspect', '--type=image', '--format={{.Size}}', image])) / SIZE_UNIT_BYTES
}
