import { tmpdir } from 'node:os'
import { describe, expect, it } from 'vitest'
import { fileSystemOf, isBusy, isInMemory, stolenMs, stolenMsFromStat, thisMachine } from './machine.js'

const mounts = `/dev/vda / ext4 rw,relatime 0 0
tmpfs /tmp tmpfs rw 0 0
/dev/vdb /srv/my\\040data xfs rw 0 0
/dev/vdc /srv/over ext4 rw 0 0
overlay /srv/over overlay rw 0 0
`

describe('fileSystemOf', () => {
  it.each([
    ['/home/x', 'ext4'],
    ['/', 'ext4'],
    ['/tmp', 'tmpfs'],
    ['/tmp/x/y', 'tmpfs'],
    ['/tmpx', 'ext4'],
    ['/srv/my data/wal', 'xfs'],
    ['/srv/over/x', 'overlay'],
  ])('finds that %s lies on %s', (path, fileSystem) => {
    expect(fileSystemOf(path, mounts)).toBe(fileSystem)
  })

  it('says when it does not know', () => {
    expect(fileSystemOf('/x', '')).toBe('unknown')
  })
})

describe('stolenMs', () => {
  it('takes the eighth figure of all cores together', () => {
    const stat = 'cpu  61588 8186 11553 34244 320 0 1270 2142 0 0\ncpu0 1 2 3 4 5 6 7 8 9 10\n'
    expect(stolenMsFromStat(stat)).toBe(21_420)
  })

  it('is a number here', () => {
    expect(stolenMs()).toBeGreaterThanOrEqual(0)
  })
})

describe('thisMachine', () => {
  it('says what it is', () => {
    const machine = thisMachine(tmpdir())
    expect(machine.cores).toBeGreaterThan(0)
    expect(machine.node).toBe(process.versions.node)
    expect(machine.fileSystem).not.toBe('unknown')
  })

  it.each([
    [{ loadBefore: 0.4, cores: 2 }, false],
    [{ loadBefore: 0.6, cores: 2 }, true],
    [{ loadBefore: 1.9, cores: 8 }, false],
  ])('knows that %j is busy: %s', (figures, busy) => {
    expect(isBusy({ ...thisMachine('/'), ...figures })).toBe(busy)
  })

  it.each([
    ['tmpfs', true],
    ['ext4', false],
  ])('knows that %s is in memory: %s', (fileSystem, inMemory) => {
    expect(isInMemory({ ...thisMachine('/'), fileSystem })).toBe(inMemory)
  })
})
