import { serviceNames } from '@fractal-lba/runtime'
import { describe, expect, it } from 'vitest'
import { builtPrograms, placement } from './layout.js'

describe('placement', () => {
  it('puts the gateway at PORT and tells it where the services are', () => {
    expect(placement('gateway', 9000, '/data')).toEqual({
      PORT: '9000',
      WAL_ADDR: '127.0.0.1:9002',
      VERIFIER_ADDR: '127.0.0.1:9003',
      DEDUP_ADDR: '127.0.0.1:9004',
      SCORING_ADDR: '127.0.0.1:9005',
    })
  })

  it.each([
    ['wal', { GRPC_ADDR: '127.0.0.1:9002', METRICS_ADDR: '127.0.0.1:10002', WAL_DIR: '/data/wal' }],
    ['verifier', { GRPC_ADDR: '127.0.0.1:9003', METRICS_ADDR: '127.0.0.1:10003' }],
    [
      'dedup',
      {
        GRPC_ADDR: '127.0.0.1:9004',
        METRICS_ADDR: '127.0.0.1:10004',
        WAL_ADDR: '127.0.0.1:9002',
        DEDUP_SNAPSHOT: '/data/dedup/snapshot',
      },
    ],
    ['signal-scoring', { GRPC_ADDR: '127.0.0.1:9005', METRICS_ADDR: '127.0.0.1:10005' }],
  ] as const)('puts %s on the loopback', (name, expected) => {
    expect(placement(name, 9000, '/data')).toEqual(expected)
  })

  it('gives each address to one alone', () => {
    const listening = serviceNames.flatMap((name) => {
      const { GRPC_ADDR, METRICS_ADDR } = placement(name, 9000, '/data')
      return [GRPC_ADDR, METRICS_ADDR].filter((address) => address !== undefined)
    })
    expect(new Set(listening).size).toBe(listening.length)
  })
})

describe('builtPrograms', () => {
  it('is where the build leaves them', () => {
    expect(builtPrograms('/checkout').map(({ main }) => main)).toEqual([
      '/checkout/services/wal/dist/main.js',
      '/checkout/services/verifier/dist/main.js',
      '/checkout/services/dedup/dist/main.js',
      '/checkout/services/signal-scoring/dist/main.js',
      '/checkout/gateway/dist/main.js',
    ])
  })
})
