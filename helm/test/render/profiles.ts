import { readdirSync } from 'node:fs'
import { chart, filler } from './helm.js'

/** The files beside values.yaml that are laid over it. */
export const profileFiles = readdirSync(chart).filter((name) => /^values-.+\.yaml$/.test(name))

export interface Profile {
  readonly title: string
  readonly files: readonly string[]
  /** What a render without a cluster must be given. */
  readonly values: object
}

/**
 * Each profile, with the filler below what it says itself: production and dev must need none.
 */
export const profiles: readonly Profile[] = [
  { title: 'values.yaml', files: [], values: filler },
  ...profileFiles.map((name) => ({ title: name, files: [name], values: fillerOf(name) })),
  {
    title: 'values-production.yaml with values-ed25519.yaml and values-postgres.yaml',
    files: ['values-production.yaml', 'values-ed25519.yaml', 'values-postgres.yaml'],
    values: { secrets: { signing: { existingSecret: '' } } },
  },
]

function fillerOf(name: string): object {
  const { secrets, redis } = filler
  switch (name) {
    case 'values-production.yaml':
    case 'values-dev.yaml':
      return {}
    case 'values-hmac.yaml':
    case 'values-ed25519.yaml':
      return { redis }
    case 'values-redis.yaml':
    case 'values-redis-sentinel.yaml':
    case 'values-postgres.yaml':
      return { secrets: { signing: secrets.signing } }
    default:
      return { secrets: { signing: secrets.signing }, redis }
  }
}
