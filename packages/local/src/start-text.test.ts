import { describe, expect, it } from 'vitest'
import { readyText, sampleLine } from './start-text.js'

const facts = {
  root: '/here',
  baseUrl: 'http://127.0.0.1:8080',
  grpcAddress: '127.0.0.1:8081',
  dataDir: '/here/data',
  keyFile: '/here/data/hmac.key',
  caFile: undefined,
  tookMs: 1_234,
}

describe('readyText', () => {
  it('tells where it listens, where it keeps its data and what to paste', () => {
    expect(readyText(facts)).toBe(`
Ready after 1.2 s.
  listens at   http://127.0.0.1:8080  (gRPC 127.0.0.1:8081)
  keeps        data
  look at      http://127.0.0.1:8080/  http://127.0.0.1:8080/docs  http://127.0.0.1:8080/metrics

To see a verdict, paste this into another terminal, in this directory (twice shows a replay):

npx pcs build --in test/golden/mixed-walk.csv --shard-id demo --epoch 1 --seed 42 --sign --key-file data/hmac.key | npx pcs submit --in -

Ctrl-C ends it.
`)
  })
})

describe('sampleLine', () => {
  it('names the endpoint where it is not the usual one', () => {
    expect(sampleLine({ ...facts, baseUrl: 'http://127.0.0.1:9000' })).toMatch(
      / \| npx pcs submit --in - --endpoint http:\/\/127\.0\.0\.1:9000$/,
    )
  })

  it('leaves the key to an environment that brings its own', () => {
    expect(sampleLine({ ...facts, keyFile: undefined })).toContain('--sign | npx')
  })

  it('names the authority where there is TLS', () => {
    const tls = { ...facts, baseUrl: 'https://127.0.0.1:8080', caFile: '/here/data/tls/ca.crt' }
    expect(sampleLine(tls)).toMatch(
      / \| TLS_CA_FILE=data\/tls\/ca\.crt npx pcs submit --in - --endpoint https:\/\/127\.0\.0\.1:8080$/,
    )
  })

  it('shows a path outside whole, as one word', () => {
    expect(sampleLine({ ...facts, keyFile: "/other's/my data/hmac.key" })).toContain(
      ` --key-file '/other'\\''s/my data/hmac.key' `,
    )
  })
})
