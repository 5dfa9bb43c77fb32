import { Descriptors } from '@fractal-lba/proto/descriptors'
import { describe, expect, it } from 'vitest'
import {
  callersOf,
  localGrpcAddress,
  localOpsAddress,
  portUses,
  serviceNames,
  stopOrder,
  topology,
} from './topology.js'

describe('topology', () => {
  it('names the ports of the contract, section 8, for PORT 8080', () => {
    const ports = portUses(8080).map(({ port }) => port)
    expect(ports.sort((a, b) => a - b)).toEqual([8080, 8081, 8082, 8083, 8084, 8085, 9082, 9083, 9084, 9085])
    expect(localGrpcAddress('wal', 8080)).toBe('127.0.0.1:8082')
    expect(localOpsAddress('wal', 8080)).toBe('127.0.0.1:9082')
    expect(localOpsAddress('gateway', 9000)).toBe('127.0.0.1:9000')
  })

  it('starts nobody before those that it needs', () => {
    for (const name of serviceNames) {
      const before = serviceNames.slice(0, serviceNames.indexOf(name))
      expect(before).toEqual(expect.arrayContaining([...topology[name].needs]))
    }
  })

  it('stops the gateway first and the wal last', () => {
    expect(stopOrder()).toEqual([['gateway'], ['verifier', 'dedup', 'signal-scoring'], ['wal']])
  })

  it('knows who may call whom', () => {
    expect(callersOf('wal')).toEqual(['dedup', 'gateway'])
    expect(callersOf('verifier')).toEqual(['gateway'])
    expect(callersOf('gateway')).toEqual([])
  })

  it('names services that the protocols have', () => {
    const descriptors = Descriptors.read()
    for (const { protoService } of Object.values(topology)) {
      expect(descriptors.fileOfSymbol(protoService)).toBeDefined()
    }
  })
})
