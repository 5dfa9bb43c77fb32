import { describe, expect, it } from 'vitest'
import { clockText, PeerClocks, readClockText } from './peer-clocks.js'

const reading = (processId: string, nowMs: number, service = processId) => ({
  ...{ nowMs, hostId: 'there', processId, service },
})

describe('the clocks of peers', () => {
  it('are kept as last seen, each process once', () => {
    const peers = new PeerClocks()
    peers.note(reading('a', 1_000), 400, 0)
    peers.note(reading('a', 2_000), 2_500, 1_000)
    peers.note(reading('b', 3_000), 3_000, 1_500)
    expect(peers.list.map(({ aheadMs }) => aheadMs)).toEqual([-500, 0])
  })

  it('count until others have outlived them', () => {
    const peers = new PeerClocks()
    peers.note(reading('a', 0), 0, 0)
    peers.note(reading('b', 0), 0, 3_600_000)
    expect(peers.list).toHaveLength(2)
    peers.note(reading('b', 0), 0, 3_600_001)
    expect(peers.list).toHaveLength(1)
  })

  it('count no longer when a later life of the process is there', () => {
    const peers = new PeerClocks()
    peers.note(reading('first', 9_000, 'wal'), 0, 0)
    peers.note(reading('other', 9_000, 'dedup'), 0, 0)
    // Two at once may be two processes.
    peers.note(reading('second', 0, 'wal'), 0, 4_000)
    expect(peers.list).toHaveLength(3)
    peers.note(reading('second', 0, 'wal'), 0, 5_001)
    expect(peers.list.map(({ aheadMs }) => aheadMs)).toEqual([9_000, 0])
  })

  it('are bounded', () => {
    const peers = new PeerClocks()
    for (let number = 0; number < 100; number += 1) peers.note(reading(`p${number}`, 0), 0, number)
    expect(peers.list).toHaveLength(64)
  })

  it('travel as a text, and what is none is not read', () => {
    const told = reading('6b4d-a', 1_800_000_000_123)
    expect(readClockText(clockText(told))).toEqual(told)
    for (const text of [
      '',
      '1;2',
      '-1;a;b;c',
      '1e3;a;b;c',
      `${'9'.repeat(20)};a;b;c`,
      '1;a;b',
      '1;a b;c;wal',
      '1;a;b;WAL',
      7,
    ]) {
      expect(readClockText(text)).toBeUndefined()
    }
  })
})
