import { describe, expect, it } from 'vitest'
import { builtPrograms, placement, portUses, serviceNames } from './layout.js'

describe('portUses', () => {
  it('names the ports of the contract, section 8, for PORT 8080', () => {
    const ports = portUses(8080).map(({ port }) => port)
    expect(ports.sort((a, b) => a - b)).toEqual([8080, 8081, 8082, 8083, 8084, 8085, 9082, 9083, 9084, 9085])
  })
})

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
