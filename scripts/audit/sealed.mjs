import { parseAllDocuments } from 'yaml'

const SEALED_NAME = /[^/]\.(sops|enc)\.ya?ml$/
const SEALED_VALUE = /^ENC\[AES256_GCM,data:[^,]*,iv:[^,]+,tag:[^,]+,type:\w+\]$/

/**
 * Whether a file of YAML holds a secret that everybody can read: a Kubernetes Secret, or a file whose name says that it is
 * encrypted by SOPS.
 * @param {string} path
 * @param {string} text
 * @returns {readonly string[]} a sentence for each mistake, without a value
 */
export function sealedMistakes(path, text) {
  // A template of Helm is no YAML, and has no values of its own.
  if (text.includes('{{')) return []
  const mustBeSealed = SEALED_NAME.test(path)
  return parseAllDocuments(text, { logLevel: 'error' }).flatMap((document) => {
    const content = document.errors.length === 0 ? document.toJS() : undefined
    if (typeof content !== 'object' || content === null)
      return mustBeSealed ? [`${path} is no YAML of SOPS`] : []
    if (content.kind !== 'Secret' && !mustBeSealed) return []
    const plain = ['data', 'stringData'].flatMap((part) => plainLeaves(content[part], part))
    const mistakes = plain.map((place) => `${path}: ${place} is not encrypted`)
    return mustBeSealed && !isSealed(content.sops) ? [...mistakes, `${path} has no seal of SOPS`] : mistakes
  })
}

/** @param {unknown} sops */
function isSealed(sops) {
  if (typeof sops !== 'object' || sops === null) return false
  const { mac, age } = /** @type {{ mac?: unknown, age?: unknown }} */ (sops)
  return SEALED_VALUE.test(String(mac)) && Array.isArray(age) && age.length > 0
}

/**
 * @param {unknown} value
 * @param {string} place
 * @returns {string[]} the places of values that are not encrypted
 */
function plainLeaves(value, place) {
  if (value === undefined || value === null || value === '') return []
  if (typeof value === 'object') {
    return Object.entries(value).flatMap(([key, member]) => plainLeaves(member, `${place}.${key}`))
  }
  return SEALED_VALUE.test(String(value)) ? [] : [place]
}
