import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { sealedMistakes } from './sealed.mjs'

const SAMPLES = new URL('../../docs/secrets/', import.meta.url)
const samples = readdirSync(SAMPLES).filter((name) => name.endsWith('.sops.yaml'))
const read = (/** @type {string} */ name) => readFileSync(new URL(name, SAMPLES), 'utf8')

describe('sealedMistakes', () => {
  it.each(samples)('finds nothing in the sample %s', (name) => {
    expect(sealedMistakes(name, read(name))).toEqual([])
  })

  it('finds a value that was written in plain beside encrypted ones', () => {
    const text = read('pcs-hmac-secret.sops.yaml').replace(
      'stringData:\n',
      'stringData:\n    OTHER: in plain\n',
    )
    expect(sealedMistakes('x.sops.yaml', text)).toEqual(['x.sops.yaml: stringData.OTHER is not encrypted'])
  })

  it('finds a file that says it is encrypted, and is not', () => {
    expect(sealedMistakes('x.enc.yaml', 'stringData:\n  A: b\n')).toEqual([
      'x.enc.yaml: stringData.A is not encrypted',
      'x.enc.yaml has no seal of SOPS',
    ])
    expect(sealedMistakes('x.sops.yml', 'nothing')).toEqual(['x.sops.yml is no YAML of SOPS'])
  })

  it('finds a Secret in plain, wherever it is, and nothing in what is none', () => {
    expect(sealedMistakes('a.yaml', 'kind: ConfigMap\n---\nkind: Secret\ndata: { A: Yg== }\n')).toEqual([
      'a.yaml: data.A is not encrypted',
    ])
    expect(sealedMistakes('a.yaml', 'kind: Secret\nmetadata: { name: a }\n')).toEqual([])
    expect(sealedMistakes('a.yaml', 'kind: ConfigMap\ndata: { A: b }\n')).toEqual([])
    expect(sealedMistakes('a.yaml', 'kind: Secret\ndata: { A: "{{ .Values.a }}" }\n')).toEqual([])
  })
})
